import { cosine, type Vector } from '@kimera/core';
import { requireInteger } from '../checks.js';
import { UnpairedScoresError } from '../errors.js';

/**
 * For each vector the positions of its `count` nearest others by cosine, the nearest first; ties by position. Exact:
 * O(n²·D). @throws ZeroVectorError, DimensionMismatchError, SettingRangeError.
 */
export function nearestNeighbours(
  vectors: readonly (Vector | Float64Array)[],
  count: number,
): readonly (readonly number[])[] {
  requireInteger('count', count, 1);
  return vectors.map((vector, self) =>
    vectors
      .map((other, position) => ({ position, score: position === self ? -Infinity : cosine(vector, other) }))
      .filter(({ position }) => position !== self)
      .sort((a, b) => b.score - a.score || a.position - b.position)
      .slice(0, count)
      .map(({ position }) => position),
  );
}

export interface NeighbourOverlap {
  /** Mean share of the lists' length that both hold. */
  readonly overlap: number;
  /** Mean of intersection over union. */
  readonly jaccard: number;
}

/**
 * How much two spaces agree on the neighbours of the same items. It gates parity (one model, two precisions), not a
 * change of model. @throws UnpairedScoresError.
 */
export function neighbourOverlap(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): NeighbourOverlap {
  if (a.length !== b.length) throw new UnpairedScoresError(a.length, b.length, 'neighbour overlap');
  let [overlap, jaccard] = [0, 0];
  a.forEach((neighbours, i) => {
    const others = new Set(b[i]);
    const shared = neighbours.filter((item) => others.has(item)).length;
    const longest = Math.max(neighbours.length, others.size);
    const union = neighbours.length + others.size - shared;
    overlap += longest === 0 ? 1 : shared / longest;
    jaccard += union === 0 ? 1 : shared / union;
  });
  return { overlap: a.length === 0 ? 1 : overlap / a.length, jaccard: a.length === 0 ? 1 : jaccard / a.length };
}
