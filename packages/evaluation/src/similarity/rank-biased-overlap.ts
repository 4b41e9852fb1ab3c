import { requireShare } from '../checks.js';
import { TooFewValuesError } from '../errors.js';
import { head, type Ranking } from '../ranking/judgements.js';

/**
 * Extrapolated rank-biased overlap: 1 for equal rankings, 0 for disjoint ones; the first places weigh more the smaller
 * `persistence` is.
 * Lengths may differ (Webber, Moffat, Zobel 2010, equation 32). @throws SettingRangeError, TooFewValuesError for an
 * empty ranking, DuplicateItemError.
 */
export function rankBiasedOverlap(a: Ranking, b: Ranking, persistence = 0.9): number {
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  const overlaps = overlapByDepth(shorter, longer, persistence);
  const [s, l] = [shorter.length, longer.length];
  const [atShort, atLong] = [overlaps[s - 1] ?? 0, overlaps[l - 1] ?? 0];
  let sum = 0;
  overlaps.forEach((overlap, i) => {
    const depth = i + 1;
    const extrapolated = depth > s ? (atShort * (depth - s)) / s : 0;
    sum += ((overlap + extrapolated) / depth) * persistence ** depth;
  });
  return ((1 - persistence) / persistence) * sum + ((atLong - atShort) / l + atShort / s) * persistence ** l;
}

/**
 * The part of rank-biased overlap that the lists show, a lower bound: nothing is assumed of what lies below them.
 * Errors as {@link rankBiasedOverlap}.
 */
export function truncatedRankBiasedOverlap(a: Ranking, b: Ranking, persistence = 0.9): number {
  const depth = Math.min(a.length, b.length);
  const overlaps = overlapByDepth(a.slice(0, depth), b.slice(0, depth), persistence);
  return (1 - persistence) * overlaps.reduce((sum, overlap, i) => sum + (overlap / (i + 1)) * persistence ** i, 0);
}

/** Number of items that both lists hold within depth 1, 2, … up to the longer list. */
function overlapByDepth(a: Ranking, b: Ranking, persistence: number): readonly number[] {
  requireShare('persistence', persistence);
  if (a.length === 0 || b.length === 0) throw new TooFewValuesError(1, 0, 'rank-biased overlap');
  const [seenA, seenB] = [new Set<string>(), new Set<string>()];
  const [itemsA, itemsB] = [head(a, Infinity), head(b, Infinity)];
  let shared = 0;
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const [x, y] = [itemsA[i], itemsB[i]];
    if (x !== undefined) seenA.add(x);
    if (y !== undefined) seenB.add(y);
    if (x !== undefined && seenB.has(x)) shared++;
    if (y !== undefined && y !== x && seenA.has(y)) shared++;
    return shared;
  });
}
