/** Sizes of an encoder of this family: post-layer normalisation, absolute learnt positions, erf GELU. */
export interface EncoderShape {
  readonly type: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  /** Rows of the token type table; 0 where there is none. Texts have type 0. */
  readonly typeVocabularySize: number;
  /** Rows of the position table. */
  readonly positionRows: number;
  /**
   * undefined: the positions are 0, 1, 2 … Otherwise the id of the padding token, as RoBERTa counts: a token that is
   * not padding has position padding + 1 + the number of such tokens before it, and a padding token, also one that the
   * text itself spells, has position `padding` (transformers 4.57, create_position_ids_from_input_ids).
   */
  readonly padding: number | undefined;
  readonly layerNormEpsilon: number;
}

/** Tokens that fit into the position table. */
export function positionLimit({ positionRows, padding }: EncoderShape): number {
  return padding === undefined ? positionRows : positionRows - padding - 1;
}
