import { requireShare } from '../checks.js';
import { SettingRangeError } from '../errors.js';
import { normalQuantile } from './normal-quantile.js';

/** δ of the gate where nothing else is said, in the measure that is compared (nDCG@10). */
export const DEFAULT_MARGIN = 0.02;

export interface NeededQueries {
  /** σ of the differences new − old per query; 0.3 is usual for nDCG@10 of two unlike models. */
  readonly standardDeviation?: number;
  /** δ, the loss that still counts as none; default {@link DEFAULT_MARGIN}. */
  readonly margin?: number;
  /**
   * Δ, the true mean of new − old that is assumed; 0: the two are equally good. Above −δ the n is that of a GO, below
   * it of a NO-GO.
   */
  readonly difference?: number;
  /** Probability that the gate decides where Δ is true. */
  readonly power?: number;
}

/**
 * Judged queries with which the gate decides: n = ((z.95 + z.power) · σ / (δ + Δ))², rounded up; 1,392 by default (σ
 * 0.3, δ 0.02, Δ 0, power 0.8).
 * Infinity where Δ = −δ: no number of queries decides. @throws SettingRangeError.
 */
export function neededQueries({
  standardDeviation = 0.3,
  margin = DEFAULT_MARGIN,
  difference = 0,
  power = 0.8,
}: NeededQueries = {}): number {
  if (!(standardDeviation >= 0 && standardDeviation < Infinity))
    throw new SettingRangeError('standardDeviation', 'at least 0', standardDeviation);
  if (!(margin > 0 && margin < Infinity)) throw new SettingRangeError('margin', 'above 0', margin);
  if (!Number.isFinite(difference)) throw new SettingRangeError('difference', 'finite', difference);
  requireShare('power', power);
  const distance = Math.abs(margin + difference);
  if (distance < 1e-12) return Infinity;
  return Math.max(1, Math.ceil((((normalQuantile(0.95) + normalQuantile(power)) * standardDeviation) / distance) ** 2));
}
