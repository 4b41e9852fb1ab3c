import type { McNemarTest } from '../statistics/mcnemar.js';

export type GateVerdict = 'GO' | 'NO-GO' | 'INCONCLUSIVE';

/** Figures of the differences new − old of some queries. Plain data. */
export interface GateFigures {
  readonly queries: number;
  readonly sourceMean: number;
  readonly targetMean: number;
  readonly meanDifference: number;
  /** 5th and 95th percentile of the bootstrap distribution of the mean difference. */
  readonly p5: number;
  readonly p95: number;
  /** Of the differences, by n − 1. */
  readonly standardDeviation: number;
}

export interface SliceResult extends GateFigures {
  readonly slice: string;
  /** `NOT-TESTED`: fewer queries than the minimum of a slice. */
  readonly verdict: GateVerdict | 'NOT-TESTED';
  /** One-sided bootstrap p of "the true mean is not below −margin"; null where not tested. */
  readonly worse: number | null;
  /** The same, adjusted by Holm over the slices tested. */
  readonly worseAdjusted: number | null;
}

/** What the gate says and everything needed to check it. Plain data: JSON carries it. */
export interface GateResult extends GateFigures {
  readonly verdict: GateVerdict;
  /** Why, in a sentence with the figures. */
  readonly reason: string;
  /** δ: a loss of the mean up to this counts as none. */
  readonly margin: number;
  readonly seed: number;
  readonly resamples: number;
  readonly method: 'exact' | 'monte-carlo';
  /** n = ((z.95 + z.power) · σ / (δ + Δ))² with the Δ and σ seen here; null where no number decides (Δ = −δ). */
  readonly neededQueries: number | null;
  readonly power: number;
  /**
   * Cross-check by sign flips: `notWorse` is small where the mean lies above −margin (below .05 it agrees with GO),
   * `worse` where it lies below; `different` is the two-sided p of no difference at all.
   */
  readonly signFlip: { readonly notWorse: number; readonly worse: number; readonly different: number };
  /** Exact McNemar test, where hits were given. */
  readonly hits: McNemarTest | null;
  readonly slices: readonly SliceResult[];
}
