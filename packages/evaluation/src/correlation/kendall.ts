import { requirePairs } from '../checks.js';
import { ConstantInputError } from '../errors.js';

/**
 * Kendall's τ-b, which corrects for ties on both sides. Compares all pairs: O(n²). @throws ConstantInputError,
 * UnpairedScoresError, TooFewValuesError, InvalidScoreError.
 */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requirePairs(a, b, 2, 'Kendall correlation');
  let [difference, untiedA, untiedB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const [x, y] = [order(a[i] as number, a[j] as number), order(b[i] as number, b[j] as number)];
      difference += x * y;
      untiedA += x * x;
      untiedB += y * y;
    }
  }
  if (untiedA === 0 || untiedB === 0) throw new ConstantInputError('Kendall correlation');
  return difference / Math.sqrt(untiedA) / Math.sqrt(untiedB);
}

function order(a: number, b: number): number {
  return a > b ? 1 : a < b ? -1 : 0;
}
