import type { McNemarTest } from '../statistics/mcnemar.js';
import type { Evidence } from './betting.js';

export type GateVerdict = 'GO' | 'NO-GO' | 'INCONCLUSIVE';

/** Figures of the differences new − old of some queries. Plain data. */
export interface GateFigures {
  readonly queries: number;
  readonly sourceMean: number;
  readonly targetMean: number;
  readonly meanDifference: number;
  /** 5th and 95th percentile of the bootstrap distribution of the mean difference: shown, they decide nothing. */
  readonly p5: number;
  readonly p95: number;
  /** Of the differences, by n − 1. */
  readonly standardDeviation: number;
}

export interface SliceResult extends GateFigures {
  readonly slice: string;
  /** `NOT-TESTED`: fewer queries than the minimum of a slice. */
  readonly verdict: GateVerdict | 'NOT-TESTED';
  /** One-sided bootstrap p of "the true mean is not below −δ", of one look; null where not tested. */
  readonly worse: number | null;
  /** p of the same by this slice's e-value, for any number of looks, adjusted by Holm over the whole and the slices. */
  readonly worseAdjusted: number | null;
}

/** What the gate says and everything needed to check it. Plain data: JSON carries it. */
export interface GateResult extends GateFigures {
  readonly verdict: GateVerdict;
  /** Why, in a sentence with the figures. */
  readonly reason: string;
  /** δ: a loss of the mean up to this counts as none. */
  readonly margin: number;
  /** Times that queries were added and looked at. */
  readonly looks: number;
  /** What decides: the evidence that the new space is not worse than −δ, and that it is. */
  readonly notWorse: Evidence;
  readonly worse: Evidence;
  /** What made the verdict: an e-value of the whole, or that of a slice; null at INCONCLUSIVE. */
  readonly decidedBy: 'not-worse' | 'worse' | 'worse-in-a-slice' | null;
  readonly seed: number;
  readonly resamples: number;
  readonly method: 'exact' | 'monte-carlo';
  /**
   * Judged queries in all with which the gate decides with probability `power` where the Δ and σ seen here are the true
   * ones; null where no number decides so surely: the difference is too near −δ.
   */
  readonly neededQueries: number | null;
  readonly power: number;
  /**
   * Cross-check by sign flips: `notWorse` is small where the mean lies above −margin, `worse` where it lies below;
   * `different` is the two-sided p of no difference at all. Valid at one look.
   */
  readonly signFlip: { readonly notWorse: number; readonly worse: number; readonly different: number };
  /** Exact McNemar test, where hits were given. */
  readonly hits: McNemarTest | null;
  readonly slices: readonly SliceResult[];
}
