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
   * undefined: the positions are 0, 1, 2 …
   * Otherwise the id of the padding token, as RoBERTa counts: a token that is not padding has position padding + 1 +
   * the number of such tokens before it,
   * and a padding token, also one that the text itself spells, has position `padding` (transformers 4.57,
   * create_position_ids_from_input_ids).
   */
  readonly padding: number | undefined;
  readonly layerNormEpsilon: number;
}

/** Tokens that fit into the position table. */
export function positionLimit({ positionRows, padding }: EncoderShape): number {
  return padding === undefined ? positionRows : positionRows - padding - 1;
}

/** Names of a layer's linear maps and norms in a checkpoint, without `.weight` and `.bias`. */
export interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly norm: string;
}

/**
 * One encoder family: what its config.json must say and how its tensors are called. Its arithmetic is that of
 * ../encoder.
 */
export interface Architecture {
  readonly modelType: string;
  /** Prefix of every name where the checkpoint is of a model with a head: `bert.`. */
  readonly prefix: string;
  /** @param path of config.json, for messages. @throws InvalidConfigurationError, UnsupportedModelError. */
  shape(config: Readonly<Record<string, unknown>>, path: string): EncoderShape;
  readonly embeddings: {
    readonly word: string;
    readonly position: string;
    readonly type: string;
    readonly norm: string;
  };
  layer(index: number): LayerNames;
}
