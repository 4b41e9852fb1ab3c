import { norm } from '@kimera/core';
import { linear, type WeightSlices } from './linear.js';
import { NORM_FLOOR } from './pooling.js';

/** Heads over the hidden state of each token, as FlagEmbedding (1.4.2) saves them beside bge-m3. */
export interface TokenHeads {
  /** relu(w·h + b): a weight a token. Ids whose weights are dropped wherever they stand. */
  readonly sparse?: { readonly ignoredIds: readonly number[] };
  /** W·h + b of every token but the first, divided by its L2 norm. */
  readonly colbert?: { readonly dimension: number };
}

/** Weights [T] of one text. */
export async function sparseReference(
  hidden: Float64Array,
  tokens: number,
  weight: WeightSlices,
  bias: Float32Array,
): Promise<Float64Array> {
  return (await linear(hidden, tokens, weight, bias)).map((value) => Math.max(0, value));
}

/** Vectors [T - 1, C] of one text. */
export async function colbertReference(
  hidden: Float64Array,
  tokens: number,
  weight: WeightSlices,
  bias: Float32Array,
): Promise<Float64Array> {
  const width = bias.length;
  const vectors = await linear(hidden.subarray(hidden.length / tokens), tokens - 1, weight, bias);
  for (let from = 0; from < vectors.length; from += width) {
    const row = vectors.subarray(from, from + width);
    const length = Math.max(NORM_FLOOR, norm(row));
    row.forEach((value, i) => (row[i] = value / length));
  }
  return vectors;
}
