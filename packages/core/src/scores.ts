import { DimensionMismatchError, EmptyMultiVectorError, HybridWeightsError } from './errors.js';
import { HEADS, type Head } from './space.js';
import { dot } from './vector.js';

/** Σ of the products over the token ids that both have. Not normalised; 0 where nothing is shared. */
export function lexicalScore(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let sum = 0;
  for (const [id, weight] of small) sum += weight * (large.get(id) ?? 0);
  return sum;
}

/**
 * Token weights of one text → token id → weight, the sparse vector of bge-m3: the largest weight of each id, without
 * the ids in `ignored` (special tokens, wherever they stand) and without weights that are not above 0 (FlagEmbedding
 * 1.4.2, `_process_token_weights`).
 * @param ids [T]. @param weights [T].
 */
export function lexicalWeights(
  ids: ArrayLike<number>,
  weights: ArrayLike<number>,
  ignored: readonly number[],
): ReadonlyMap<number, number> {
  const largest = new Map<number, number>();
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number;
    const weight = weights[t] as number;
    if (weight > 0 && !ignored.includes(id) && weight > (largest.get(id) ?? 0)) largest.set(id, weight);
  }
  return largest;
}

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

export type HeadScores = Readonly<Partial<Record<Head, number>>>;

/**
 * Σ weight·score / Σ weight over the heads that have both; bge-m3's examples use dense 0.4, sparse 0.2, colbert 0.4.
 * @throws HybridWeightsError.
 */
export function hybridScore(scores: HeadScores, weights: HeadScores): number {
  let sum = 0;
  let total = 0;
  for (const head of HEADS) {
    const score = scores[head];
    const weight = weights[head];
    if (score === undefined || weight === undefined) continue;
    sum += weight * score;
    total += weight;
  }
  if (!(total > 0)) throw new HybridWeightsError(total);
  return sum / total;
}
