import { DimensionMismatchError } from './errors/dimension-mismatch-error.js';
import { EmptyMultiVectorError } from './errors/empty-multi-vector-error.js';
import { dot } from './vector.js';

/**
 * Late interaction: the mean over the query's tokens of the largest dot product with a token of the passage. Not
 * symmetric.
 * Nothing is padded: FlagEmbedding's `compute_score` lets rows of zeros take part, which lifts negative maxima to 0.
 * @param query [Tq, C] row-major. @param passage [Tp, C]. @throws EmptyMultiVectorError, DimensionMismatchError.
 */
export function colbertScore(query: Float32Array, passage: Float32Array, dimension: number): number {
  for (const [side, vectors] of [
    ['query', query],
    ['passage', passage],
  ] as const) {
    if (vectors.length === 0) throw new EmptyMultiVectorError(side);
    if (vectors.length % dimension !== 0) throw new DimensionMismatchError(dimension, vectors.length, 'ColBERT score');
  }
  let sum = 0;
  for (let q = 0; q < query.length; q += dimension) {
    let best = -Infinity;
    for (let p = 0; p < passage.length; p += dimension)
      best = Math.max(best, dot(query.subarray(q, q + dimension), passage.subarray(p, p + dimension)));
    sum += best;
  }
  return sum / (query.length / dimension);
}
