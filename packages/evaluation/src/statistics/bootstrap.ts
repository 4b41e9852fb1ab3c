import { requireFinite, requireInteger } from '../checks.js';
import { TooFewValuesError } from '../errors.js';
import { createRandom } from './random.js';

/** Means of resamples of the same size with replacement. */
export interface Bootstrap {
  /** Ascending. */
  readonly means: Float64Array;
  /** `exact` where all nⁿ resamples were taken. */
  readonly method: 'exact' | 'monte-carlo';
}

export interface BootstrapOptions {
  readonly resamples: number;
  readonly seed: number;
}

/**
 * Bootstrap of the mean. For paired scores, pass the differences: a resample then takes both scores of a query
 * together. All nⁿ resamples where they are not more than `resamples`, else as many at random. The order of the values
 * does not matter.
 * @throws TooFewValuesError, InvalidScoreError, SettingRangeError.
 */
export function bootstrapMean(values: ArrayLike<number>, { resamples, seed }: BootstrapOptions): Bootstrap {
  requireInteger('resamples', resamples, 1);
  requireInteger('seed', seed, 0);
  if (values.length === 0) throw new TooFewValuesError(1, 0, 'bootstrap');
  requireFinite(values, 'bootstrap');
  const ascending = Float64Array.from(values).sort();
  const exact = ascending.length ** ascending.length <= resamples;
  const means = exact ? everyMean(ascending) : randomMeans(ascending, resamples, seed);
  return { means: means.sort(), method: exact ? 'exact' : 'monte-carlo' };
}

function everyMean(values: Float64Array): Float64Array {
  const n = values.length;
  return Float64Array.from({ length: n ** n }, (_, resample) => {
    let [sum, rest] = [0, resample];
    for (let draw = 0; draw < n; draw++) {
      sum += values[rest % n] as number;
      rest = Math.floor(rest / n);
    }
    return sum / n;
  });
}

function randomMeans(ascending: Float64Array, resamples: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const mean = (): number => {
    let sum = 0;
    for (let draw = 0; draw < ascending.length; draw++) sum += ascending[random.below(ascending.length)] as number;
    return sum / ascending.length;
  };
  // Of equal values every resample is the same.
  if (ascending[0] === ascending.at(-1)) return new Float64Array(resamples).fill(mean());
  return Float64Array.from({ length: resamples }, mean);
}
