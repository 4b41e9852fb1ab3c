import { requireInteger, requirePairs, requireShare } from '../checks.js';
import { UnpairedScoresError } from '../errors.js';
import { mcNemarTest, type McNemarTest } from '../statistics/mcnemar.js';
import { DEFAULT_MARGIN } from '../statistics/needed-queries.js';
import { signFlipTest } from '../statistics/sign-flip.js';
import { bettingTest, LEVEL, THRESHOLD, type BettingTest, type Evidence } from './betting.js';
import { differencesOf, gateFigures, verdictOf } from './gate-figures.js';
import type { GateFigures, GateResult, SliceResult } from './gate-result.js';
import { judgeSlices } from './judge-slices.js';
import { queriesToDecide } from './queries-to-decide.js';

/** Probability that the gate decides at `neededQueries`, and at the number that a plan advises. */
export const POWER = 0.85;

export interface QualityGateOptions {
  /** Score of each query in the old space, from 0 to 1, in the order in which the queries were first counted. */
  readonly source: readonly number[];
  /** Score of the same queries, in the same order, in the new space. */
  readonly target: readonly number[];
  /** δ, default {@link DEFAULT_MARGIN}. */
  readonly margin?: number;
  /** Look at which each query was counted, from 1, ascending; absent: all at one. */
  readonly looks?: readonly number[];
  /** Of the bootstrap and the sign flips, default 10,000. */
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
   * Queries below which the verdict is INCONCLUSIVE whatever they say, default {@link MINIMUM_QUERIES}.
   */
  readonly minimumQueries?: number;
}

/** Of a slice and of the whole: fewer hardly stand for what users ask, and the percentiles shown would be too narrow. */
export const MINIMUM_QUERIES = 30;

/**
 * One-sided non-inferiority of the new space, valid however often it is asked while queries are added: GO where the
 * e-value against "worse by δ or more" reaches 20, NO-GO where that against "not worse by δ" does, else INCONCLUSIVE
 * with the number of queries that would decide (`bettingTest`). Over all looks together P(GO | a true loss of δ or
 * more) and P(NO-GO | none, in the whole and in every slice) are 5 % at most, where the queries are drawn alike and
 * their order does not depend on the scores. Slices can only lower the verdict: one that is worse by its e-value, after
 * Holm's adjustment, makes the whole NO-GO; one that is worse only by its bootstrap turns GO into INCONCLUSIVE. The
 * bootstrap of all queries, sign flips and McNemar's test are shown beside it.
 * @throws UnpairedScoresError, TooFewValuesError for no queries, InvalidScoreError, DifferenceRangeError,
 * SettingRangeError.
 */
export function qualityGate(options: QualityGateOptions): GateResult {
  const {
    source,
    target,
    margin = DEFAULT_MARGIN,
    resamples = 10_000,
    seed = 1,
    minimumSlice = MINIMUM_QUERIES,
    minimumQueries = MINIMUM_QUERIES,
    hits,
  } = options;
  const looks = options.looks ?? source.map(() => 1);
  const slices = options.slices ?? source.map(() => '');
  requirePairs(source, target, 1, 'quality gate');
  requireShare('margin', margin);
  requireInteger('minimumSlice', minimumSlice, 1);
  requireInteger('minimumQueries', minimumQueries, 1);
  for (const [values, what] of [
    [slices, 'slices'],
    [looks, 'looks'],
  ] as const)
    if (values.length !== source.length)
      throw new UnpairedScoresError(source.length, values.length, `${what} of the quality gate`);

  const { figures, bootstrap } = gateFigures({ source, target, resamples, seed });
  const differences = differencesOf({ source, target });
  const test = bettingTest(differences, margin);
  const { judged, wholeWorseAdjusted } = judgeSlices({
    source,
    target,
    resamples,
    seed,
    slices,
    minimumSlice,
    margin,
    wholeWorse: test.worse.p,
  });
  const needed = queriesToDecide({
    standardDeviation: figures.standardDeviation,
    margin,
    difference: figures.meanDifference,
    power: POWER,
  });
  const needs = Number.isFinite(needed) ? Math.max(needed, minimumQueries) : null;
  const shifted = signFlipTest(
    differences.map((difference) => difference + margin),
    { resamples, seed },
  );
  return {
    ...conclude({ figures, test, wholeWorseAdjusted, slices: judged, looks, margin, minimumQueries, needed: needs }),
    ...figures,
    margin,
    looks: looks.at(-1) ?? 1,
    ...test,
    seed,
    resamples: bootstrap.means.length,
    method: bootstrap.method,
    neededQueries: needs,
    power: POWER,
    signFlip: {
      notWorse: shifted.greater,
      worse: shifted.less,
      different: signFlipTest(differences, { resamples, seed }).twoSided,
    },
    hits: hits === undefined ? null : compareHits(hits, source.length),
    slices: judged,
  };
}

interface Findings {
  readonly figures: GateFigures;
  readonly test: BettingTest;
  readonly wholeWorseAdjusted: number;
  readonly slices: readonly SliceResult[];
  readonly looks: readonly number[];
  readonly margin: number;
  readonly minimumQueries: number;
  readonly needed: number | null;
}

function conclude({
  figures,
  test,
  wholeWorseAdjusted,
  slices,
  looks,
  margin,
  minimumQueries,
  needed,
}: Findings): Pick<GateResult, 'verdict' | 'reason' | 'decidedBy'> {
  const { queries, meanDifference, p5, p95 } = figures;
  const interval = `mean difference ${signed(meanDifference)}, 90 % interval ${signed(p5)} to ${signed(p95)}, margin −${margin}, ${queries} queries`;
  const inconclusive = (why: string): ReturnType<typeof conclude> => ({
    verdict: 'INCONCLUSIVE',
    decidedBy: null,
    reason: `${why} (${interval})`,
  });
  const wanted =
    needed === null
      ? 'the difference is so near the margin that no number of queries would surely decide'
      : needed > queries
        ? `about ${needed} judged queries would decide`
        : 'a few more judged queries may decide';
  if (queries < minimumQueries)
    return inconclusive(
      `below ${minimumQueries} judged queries nothing is decided, these are ${queries}; about ${Math.max(needed ?? 0, minimumQueries)} would decide`,
    );

  const reached = ({ decidedAfter }: Evidence): string =>
    decidedAfter === null ? '' : `after ${decidedAfter} queries, at look ${looks[decidedAfter - 1] ?? 1}`;
  const { notWorse, worse } = test;
  if (notWorse.decidedAfter !== null && worse.decidedAfter !== null)
    return inconclusive(
      `the queries contradict each other: the bound for "not worse" was reached ${reached(notWorse)}, that for "worse" ${reached(worse)}; the queries of the looks are of different kinds`,
    );
  const verdict = verdictOf(test, figures, margin);
  if (verdict === 'NO-GO' && wholeWorseAdjusted <= LEVEL)
    return {
      verdict,
      decidedBy: 'worse',
      reason: `the new space is worse by more than the margin: e-value ${eValue(worse)} (${THRESHOLD} decides) ${reached(worse)} (${interval})`,
    };
  const lost = slices.filter(({ worseAdjusted }) => worseAdjusted !== null && worseAdjusted <= LEVEL);
  if (lost.length > 0)
    return {
      verdict: 'NO-GO',
      decidedBy: 'worse-in-a-slice',
      reason: `worse by more than the margin in ${namesOf(lost)} (${interval})`,
    };
  if (verdict === 'NO-GO')
    return inconclusive(
      `worse as a whole before the adjustment for ${slices.length} slices, not after it; more judged queries would decide`,
    );
  if (verdict === 'INCONCLUSIVE') {
    const [bound] = [notWorse, worse].filter(({ decidedAfter }) => decidedAfter !== null);
    return inconclusive(
      bound === undefined
        ? wanted
        : `the bound for ${bound === notWorse ? '"not worse"' : '"worse"'} was reached ${reached(bound)}, but the mean of all queries lies on the other side of the margin by now`,
    );
  }
  const doubtful = slices.filter(({ worse: atOneLook }) => atOneLook !== null && atOneLook <= LEVEL);
  if (doubtful.length > 0)
    return inconclusive(`not worse as a whole, but perhaps in ${namesOf(doubtful)}: more queries there would decide`);
  return {
    verdict,
    decidedBy: 'not-worse',
    reason: `not worse than the margin allows: e-value ${eValue(notWorse)} (${THRESHOLD} decides) ${reached(notWorse)} (${interval})`,
  };
}

/** `23.4`, or `2.3e+54` where it is large. */
function eValue({ logE }: Evidence): string {
  const exponent = Math.floor(logE / Math.LN10);
  return exponent < 4 ? Math.exp(logE).toFixed(1) : `${Math.exp(logE - exponent * Math.LN10).toFixed(1)}e+${exponent}`;
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
