import { InvalidScoreError, SettingRangeError, TooFewValuesError, UnpairedScoresError } from './errors.js';

/** @throws InvalidScoreError at the first value that is NaN or infinite. */
export function requireFinite(values: ArrayLike<number>, what: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) throw new InvalidScoreError(i, value, what);
  }
}

/**
 * Two lists over the same items, finite, at least `minimum` long. @throws UnpairedScoresError, TooFewValuesError,
 * InvalidScoreError.
 */
export function requirePairs(a: ArrayLike<number>, b: ArrayLike<number>, minimum: number, what: string): void {
  if (a.length !== b.length) throw new UnpairedScoresError(a.length, b.length, what);
  if (a.length < minimum) throw new TooFewValuesError(minimum, a.length, what);
  requireFinite(a, what);
  requireFinite(b, what);
}

/** A probability or a share strictly between 0 and 1. @throws SettingRangeError. */
export function requireShare(setting: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new SettingRangeError(setting, 'between 0 and 1, both excluded', value);
}

/** @throws SettingRangeError where the value is not an integer from `minimum` on. */
export function requireInteger(setting: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum)
    throw new SettingRangeError(setting, `an integer from ${minimum} on`, value);
}
