import { requirePairs } from '../checks.js';
import { ConstantInputError } from '../errors.js';

/**
 * Pearson's r in [-1, 1]. Values are scaled by the largest first, so that squares do not overflow. @throws
 * ConstantInputError, UnpairedScoresError, TooFewValuesError, InvalidScoreError.
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requirePairs(a, b, 2, 'Pearson correlation');
  const [x, y] = [centred(a), centred(b)];
  const product = x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return Math.max(-1, Math.min(1, product));
}

/** The values minus their mean, divided by the length of that vector. */
function centred(values: ArrayLike<number>): Float64Array {
  const scaled = scaleToOne(Float64Array.from(values));
  if (scaled.every((value) => value === scaled[0])) throw new ConstantInputError('Pearson correlation');
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const shifted = scaleToOne(scaled.map((value) => value - mean));
  const length = Math.sqrt(shifted.reduce((sum, value) => sum + value * value, 0));
  return shifted.map((value) => value / length);
}

function scaleToOne(values: Float64Array): Float64Array {
  const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return largest === 0 ? values : values.map((value) => value / largest);
}
