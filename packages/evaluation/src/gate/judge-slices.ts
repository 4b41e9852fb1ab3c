import { holm } from '../statistics/multiple-testing.js';
import { gateFigures, ROUNDING, verdictOf, type PairedScores } from './gate-figures.js';
import type { SliceResult } from './gate-result.js';

/** A slice is worse where its (adjusted) p is at most this. */
export const SLICE_ERROR = 0.05;

export interface SlicedScores extends PairedScores {
  /** Slice of each query; '' is none. */
  readonly slices: readonly string[];
  readonly minimumSlice: number;
  readonly margin: number;
}

/**
 * The gate of each slice, in the order of their names. A tested slice is NO-GO only where it is worse than −margin
 * after Holm's adjustment, else GO or INCONCLUSIVE by its percentiles.
 */
export function judgeSlices({
  source,
  target,
  resamples,
  seed,
  slices,
  minimumSlice,
  margin,
}: SlicedScores): readonly SliceResult[] {
  const names = [...new Set(slices)].filter((name) => name !== '').sort();
  const measured = names.map((slice) => {
    const inSlice = (_score: number, i: number): boolean => slices[i] === slice;
    const { bootstrap, ...figures } = gateFigures({
      source: source.filter(inSlice),
      target: target.filter(inSlice),
      resamples,
      seed,
    });
    const worse = figures.queries < minimumSlice ? null : shareFrom(bootstrap.means, -margin - ROUNDING);
    return { slice, figures, worse };
  });
  const adjusted = holm(measured.flatMap(({ worse }) => (worse === null ? [] : [worse])));
  let tested = 0;
  return measured.map(({ slice, figures, worse }) => {
    if (worse === null) return { slice, ...figures, verdict: 'NOT-TESTED' as const, worse, worseAdjusted: null };
    const worseAdjusted = adjusted[tested++] ?? 1;
    const own = verdictOf(figures, margin);
    const verdict = worseAdjusted <= SLICE_ERROR ? 'NO-GO' : own === 'NO-GO' ? 'INCONCLUSIVE' : own;
    return { slice, ...figures, verdict, worse, worseAdjusted };
  });
}

/** Share of the means that are at least `least`, the observed sample counted as one of them: never 0. */
function shareFrom(means: Float64Array, least: number): number {
  return (means.reduce((count, value) => count + (value >= least ? 1 : 0), 0) + 1) / (means.length + 1);
}
