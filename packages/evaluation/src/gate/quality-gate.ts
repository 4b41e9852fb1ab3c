import { requireInteger, requirePairs } from '../checks.js';
import { SettingRangeError, UnpairedScoresError } from '../errors.js';
import { mcNemarTest, type McNemarTest } from '../statistics/mcnemar.js';
import { neededQueries } from '../statistics/needed-queries.js';
import { signFlipTest } from '../statistics/sign-flip.js';
import { differencesOf, gateFigures, verdictOf } from './gate-figures.js';
import type { GateFigures, GateResult, GateVerdict, SliceResult } from './gate-result.js';
import { judgeSlices, SLICE_ERROR } from './judge-slices.js';

/** Probability that the gate decides at `neededQueries`. */
const POWER = 0.8;

export interface QualityGateOptions {
  /** Score of each query in the old space. */
  readonly source: readonly number[];
  /** Score of the same queries, in the same order, in the new space. */
  readonly target: readonly number[];
  /** δ, default 0.02. */
  readonly margin?: number;
  /** Default 10,000. */
  readonly resamples?: number;
  /** Default 1; the same seed and scores give the same result. */
  readonly seed?: number;
  /** Whether each side found an answer (1) or not (0), query by query. */
  readonly hits?: { readonly source: readonly number[]; readonly target: readonly number[] };
  /** A name for each query, such as its language or tenant; '' is none. */
  readonly slices?: readonly string[];
  /** Queries below which a slice is shown and not tested, default {@link MINIMUM_QUERIES}. */
  readonly minimumSlice?: number;
  /**
   * Queries below which the verdict is INCONCLUSIVE whatever they say, default {@link MINIMUM_QUERIES}: the percentiles
   * of so few are too narrow.
   */
  readonly minimumQueries?: number;
}

/** The usual least size of a sample for a bootstrap's percentiles; of a slice and of the whole. */
export const MINIMUM_QUERIES = 30;

/**
 * One-sided non-inferiority of the new space by a paired bootstrap over queries: GO where the 5th percentile of the
 * mean difference lies above −δ, NO-GO where the 95th lies below it, else INCONCLUSIVE with the number of queries that
 * would decide. Slices can only lower it: one that is worse than −δ after Holm's adjustment makes the whole NO-GO; one
 * that is worse only before the adjustment turns GO into INCONCLUSIVE.
 * @throws UnpairedScoresError, TooFewValuesError for no queries, InvalidScoreError, SettingRangeError.
 */
export function qualityGate(options: QualityGateOptions): GateResult {
  const {
    source,
    target,
    margin = 0.02,
    resamples = 10_000,
    seed = 1,
    slices,
    minimumSlice = MINIMUM_QUERIES,
    minimumQueries = MINIMUM_QUERIES,
    hits,
  } = options;
  requirePairs(source, target, 1, 'quality gate');
  if (!(margin > 0 && margin < Infinity)) throw new SettingRangeError('margin', 'above 0', margin);
  requireInteger('minimumSlice', minimumSlice, 1);
  requireInteger('minimumQueries', minimumQueries, 1);
  if (slices !== undefined && slices.length !== source.length)
    throw new UnpairedScoresError(source.length, slices.length, 'slices of the quality gate');

  const { bootstrap, ...figures } = gateFigures({ source, target, resamples, seed });
  const judged =
    slices === undefined ? [] : judgeSlices({ source, target, resamples, seed, slices, minimumSlice, margin });
  const needed = neededQueries({
    standardDeviation: figures.standardDeviation,
    margin,
    difference: figures.meanDifference,
    power: POWER,
  });
  const needs = Number.isFinite(needed) ? Math.max(needed, minimumQueries) : null;
  const shifted = signFlipTest(
    differencesOf({ source, target }).map((difference) => difference + margin),
    { resamples, seed },
  );
  return {
    ...conclude(figures, judged, { margin, minimumQueries, needed: needs }),
    ...figures,
    margin,
    seed,
    resamples: bootstrap.means.length,
    method: bootstrap.method,
    neededQueries: needs,
    power: POWER,
    signFlip: {
      notWorse: shifted.greater,
      worse: shifted.less,
      different: signFlipTest(differencesOf({ source, target }), { resamples, seed }).twoSided,
    },
    hits: hits === undefined ? null : compareHits(hits, source.length),
    slices: judged,
  };
}

interface Limits {
  readonly margin: number;
  readonly minimumQueries: number;
  readonly needed: number | null;
}

function conclude(
  figures: GateFigures,
  slices: readonly SliceResult[],
  { margin, minimumQueries, needed }: Limits,
): { readonly verdict: GateVerdict; readonly reason: string } {
  const { queries, meanDifference, p5, p95 } = figures;
  const interval = `mean difference ${signed(meanDifference)}, 90 % interval ${signed(p5)} to ${signed(p95)}, margin −${margin}, ${queries} queries`;
  const lost = slices.filter(({ worseAdjusted }) => worseAdjusted !== null && worseAdjusted <= SLICE_ERROR);
  const doubtful = slices.filter(({ worse }) => worse !== null && worse <= SLICE_ERROR);
  const wanted =
    needed === null
      ? 'no number of queries would decide: the difference is at the margin'
      : `about ${needed} judged queries would decide`;
  if (queries < minimumQueries)
    return {
      verdict: 'INCONCLUSIVE',
      reason: `below ${minimumQueries} judged queries nothing is decided, these are ${queries}; ${wanted} (${interval})`,
    };
  const verdict = verdictOf(figures, margin);
  if (verdict === 'NO-GO') return { verdict, reason: `the new space is worse by more than the margin (${interval})` };
  if (lost.length > 0)
    return { verdict: 'NO-GO', reason: `worse by more than the margin in ${namesOf(lost)} (${interval})` };
  if (verdict === 'INCONCLUSIVE') return { verdict, reason: `${wanted} (${interval})` };
  if (doubtful.length > 0)
    return {
      verdict: 'INCONCLUSIVE',
      reason: `not worse as a whole, but perhaps in ${namesOf(doubtful)}: more queries there would decide (${interval})`,
    };
  return { verdict, reason: `not worse than the margin allows (${interval})` };
}

function namesOf(slices: readonly SliceResult[]): string {
  return slices
    .map(({ slice, meanDifference, queries }) => `${slice} (${signed(meanDifference)}, ${queries} queries)`)
    .join(', ');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

function compareHits(
  { source, target }: { readonly source: readonly number[]; readonly target: readonly number[] },
  queries: number,
): McNemarTest {
  requirePairs(source, target, queries, 'hits of the quality gate');
  if (source.length !== queries) throw new UnpairedScoresError(queries, source.length, 'hits of the quality gate');
  const count = (old: number, renewed: number): number =>
    source.filter((hit, i) => Math.sign(hit) === old && Math.sign(target[i] as number) === renewed).length;
  return mcNemarTest(count(1, 0), count(0, 1));
}
