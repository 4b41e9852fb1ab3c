import { bootstrapMean, type Bootstrap } from '../statistics/bootstrap.js';
import { mean, quantile, standardDeviation } from '../statistics/summary.js';
import type { GateFigures, GateVerdict } from './gate-result.js';

/** Below this a difference to the margin is rounding, and a mean at the margin is neither above nor below it. */
export const ROUNDING = 1e-12;

/** Scores of the same queries in the same order, and how they are resampled. */
export interface PairedScores {
  readonly source: readonly number[];
  readonly target: readonly number[];
  readonly resamples: number;
  readonly seed: number;
}

export function differencesOf({ source, target }: Pick<PairedScores, 'source' | 'target'>): readonly number[] {
  return target.map((score, i) => score - (source[i] as number));
}

export function gateFigures({
  source,
  target,
  resamples,
  seed,
}: PairedScores): GateFigures & { readonly bootstrap: Bootstrap } {
  const differences = differencesOf({ source, target });
  const bootstrap = bootstrapMean(differences, { resamples, seed });
  return {
    queries: source.length,
    sourceMean: mean(source),
    targetMean: mean(target),
    meanDifference: mean(differences),
    p5: quantile(bootstrap.means, 0.05),
    p95: quantile(bootstrap.means, 0.95),
    standardDeviation: standardDeviation(differences),
    bootstrap,
  };
}

/** GO where the 5th percentile lies above −margin, NO-GO where the 95th lies below it. */
export function verdictOf({ p5, p95 }: Pick<GateFigures, 'p5' | 'p95'>, margin: number): GateVerdict {
  if (p5 > -margin + ROUNDING) return 'GO';
  return p95 < -margin - ROUNDING ? 'NO-GO' : 'INCONCLUSIVE';
}
