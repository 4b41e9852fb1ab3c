import { requireFinite, requireInteger } from '../checks.js';
import { TooFewValuesError } from '../errors.js';
import { createRandom } from './random.js';

/** p-values of the hypothesis that the differences are symmetric around 0. */
export interface SignFlipTest {
  /** Small where the differences lie above 0. */
  readonly greater: number;
  /** Small where they lie below 0. */
  readonly less: number;
  /** Share of flips whose |sum| is at least the observed one. */
  readonly twoSided: number;
  readonly method: 'exact' | 'monte-carlo';
}

/** Up to 2¹⁶ flips are enumerated. */
const EXACT_LIMIT = 16;

/**
 * Sign-flip (paired permutation) test of differences: all 2ⁿ flips for n ≤ 16, else `resamples` at random, the observed
 * one counted as one of them (Phipson & Smyth 2010), so that p is never 0. The order of the differences does not
 * matter.
 * @throws TooFewValuesError, InvalidScoreError, SettingRangeError.
 */
export function signFlipTest(
  differences: ArrayLike<number>,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): SignFlipTest {
  requireInteger('resamples', resamples, 1);
  requireInteger('seed', seed, 0);
  if (differences.length === 0) throw new TooFewValuesError(1, 0, 'sign-flip test');
  requireFinite(differences, 'sign-flip test');
  const ascending = Float64Array.from(differences).sort();
  const observed = ascending.reduce((sum, value) => sum + value, 0);
  // Sums that are equal but for the order of their additions count as equal.
  const slack = 1e-12 * ascending.reduce((sum, value) => sum + Math.abs(value), 0);
  const exact = ascending.length <= EXACT_LIMIT;
  const method = exact ? 'exact' : 'monte-carlo';
  // Zeros have no sign: every flip is the observed one.
  if (ascending.every((value) => value === 0)) return { greater: 1, less: 1, twoSided: 1, method };
  const flips = exact ? 2 ** ascending.length : resamples;
  const flipped = exact ? everyFlip(ascending) : randomFlips(ascending, seed);
  let [greater, less, far] = exact ? [0, 0, 0] : [1, 1, 1];
  for (let i = 0; i < flips; i++) {
    const sum = flipped();
    if (sum >= observed - slack) greater++;
    if (sum <= observed + slack) less++;
    if (Math.abs(sum) >= Math.abs(observed) - slack) far++;
  }
  const total = exact ? flips : flips + 1;
  return {
    greater: greater / total,
    less: less / total,
    twoSided: far / total,
    method,
  };
}

function everyFlip(values: Float64Array): () => number {
  let pattern = 0;
  return () => {
    const sum = values.reduce((total, value, i) => total + ((pattern >>> i) & 1 ? -value : value), 0);
    pattern++;
    return sum;
  };
}

function randomFlips(values: Float64Array, seed: number): () => number {
  const random = createRandom(seed);
  return () => {
    let [sum, bits] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      if (i % 32 === 0) bits = random.next();
      sum += bits & 1 ? -(values[i] as number) : (values[i] as number);
      bits >>>= 1;
    }
    return sum;
  };
}
