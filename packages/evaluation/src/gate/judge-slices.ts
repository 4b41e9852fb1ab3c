import { holm } from '../statistics/multiple-testing.js';
import { bettingTest, LEVEL } from './betting.js';
import { differencesOf, gateFigures, ROUNDING, verdictOf, type PairedScores } from './gate-figures.js';
import type { SliceResult } from './gate-result.js';

export interface SlicedScores extends PairedScores {
  /** Slice of each query; '' is none. */
  readonly slices: readonly string[];
  readonly minimumSlice: number;
  readonly margin: number;
  /** p of "worse" of all queries together. */
  readonly wholeWorse: number;
}

/**
 * The gate of each slice, in the order of their names. A tested slice is NO-GO only where its e-value says so after
 * Holm's adjustment over the whole and the slices: then P(NO-GO at any look | nothing is worse) is 5 % at most in all.
 * It is no GO where its bootstrap alone says that it may be worse: slices are small, and bets need more queries.
 */
export function judgeSlices({
  source,
  target,
  resamples,
  seed,
  slices,
  minimumSlice,
  margin,
  wholeWorse,
}: SlicedScores): { readonly judged: readonly SliceResult[]; readonly wholeWorseAdjusted: number } {
  const names = [...new Set(slices)].filter((name) => name !== '').sort();
  const measured = names.map((slice) => {
    const inSlice = (_score: number, i: number): boolean => slices[i] === slice;
    const scores = { source: source.filter(inSlice), target: target.filter(inSlice), resamples, seed };
    const { figures, bootstrap } = gateFigures(scores);
    const tested =
      figures.queries < minimumSlice
        ? null
        : {
            test: bettingTest(differencesOf(scores), margin),
            worse: shareFrom(bootstrap.means, -margin - ROUNDING),
          };
    return { slice, figures, tested };
  });
  const [wholeWorseAdjusted = 1, ...adjusted] = holm([
    wholeWorse,
    ...measured.flatMap(({ tested }) => (tested === null ? [] : [tested.test.worse.p])),
  ]);
  let next = 0;
  const judged = measured.map(({ slice, figures, tested }): SliceResult => {
    if (tested === null) return { slice, ...figures, verdict: 'NOT-TESTED', worse: null, worseAdjusted: null };
    const { test, worse } = tested;
    const worseAdjusted = adjusted[next++] ?? 1;
    const own = verdictOf(test, figures, margin);
    const holds = own === 'GO' ? worse > LEVEL : own === 'NO-GO' && worseAdjusted <= LEVEL;
    return { slice, ...figures, verdict: holds ? own : 'INCONCLUSIVE', worse, worseAdjusted };
  });
  return { judged, wholeWorseAdjusted };
}

/** Share of the means that are at least `least`, the observed sample counted as one of them: never 0. */
function shareFrom(means: Float64Array, least: number): number {
  return (means.reduce((count, value) => count + (value >= least ? 1 : 0), 0) + 1) / (means.length + 1);
}
