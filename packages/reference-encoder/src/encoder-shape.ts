import type { FeedForwardActivation } from './activation.js';

/** Sizes and choices of an encoder of this family: normalisation after each part, learnt positions. */
export interface EncoderShape {
  readonly type: string;
  readonly layers: number;
  readonly hiddenSize: number;
  /** E, numbers of a row of the embedding tables. Where it is not `hiddenSize`, a linear map follows their norm. */
  readonly embeddingSize: number;
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
  /**
   * Rows of the table [R, H] of numbers that are added to the attention scores, by the distance of two tokens and the
   * head; one table for all layers. 0 where there is none. relative-bias.ts says which row a distance has.
   */
  readonly relativeBiasRows: number;
  readonly layerNormEpsilon: number;
  /** Of the feed-forward layers. */
  readonly activation: FeedForwardActivation;
}

/** Tokens that fit into the position table. */
export function positionLimit({ positionRows, padding }: EncoderShape): number {
  return padding === undefined ? positionRows : positionRows - padding - 1;
}
