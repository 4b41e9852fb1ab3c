import { dot, scaleToOne } from '@kimera/core';
import { requireFinite } from '../checks.js';
import { SettingRangeError, TooFewValuesError } from '../errors.js';

/** @throws TooFewValuesError for no values, InvalidScoreError. */
export function mean(values: ArrayLike<number>): number {
  if (values.length === 0) throw new TooFewValuesError(1, 0, 'mean');
  requireFinite(values, 'mean');
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  if (Number.isFinite(sum)) return sum / values.length;
  // The sum is larger than float64 can hold, the mean is not.
  let share = 0;
  for (let i = 0; i < values.length; i++) share += (values[i] as number) / values.length;
  return share;
}

/** Of the population, by n − 1; 0 for one value. @throws TooFewValuesError, InvalidScoreError. */
export function standardDeviation(values: ArrayLike<number>): number {
  const { scaled, scale } = scaleToOne(values);
  const centre = mean(scaled);
  const deviations = scaled.map((value) => value - centre);
  return values.length === 1 ? 0 : Math.sqrt(dot(deviations, deviations) / (values.length - 1)) * scale;
}

/**
 * `linear` between neighbours (numpy's default, type 7), or `inverted-cdf`: the smallest value that at least the share
 * of values does not exceed (type 1).
 */
export type QuantileMethod = 'linear' | 'inverted-cdf';

/** Quantile of ascending values. @throws TooFewValuesError, SettingRangeError unless 0 ≤ share ≤ 1. */
export function quantile(ascending: ArrayLike<number>, share: number, method: QuantileMethod = 'linear'): number {
  if (ascending.length === 0) throw new TooFewValuesError(1, 0, 'quantile');
  if (!(share >= 0 && share <= 1)) throw new SettingRangeError('share', 'from 0 to 1', share);
  if (method === 'inverted-cdf') {
    // The product may lie just above the integer that it stands for.
    return ascending[Math.max(0, Math.ceil(share * ascending.length - 1e-9) - 1)] as number;
  }
  const place = share * (ascending.length - 1);
  const lower = Math.floor(place);
  const [low, high] = [ascending[lower] as number, ascending[Math.min(lower + 1, ascending.length - 1)] as number];
  return low + (high - low) * (place - lower);
}
