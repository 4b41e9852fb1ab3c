import { bootstrapMean, type Bootstrap } from '../statistics/bootstrap.js';
import { mean, quantile, standardDeviation } from '../statistics/summary.js';
import type { BettingTest } from './betting.js';
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

export function gateFigures({ source, target, resamples, seed }: PairedScores): {
  readonly figures: GateFigures;
  readonly bootstrap: Bootstrap;
} {
  const differences = differencesOf({ source, target });
  const bootstrap = bootstrapMean(differences, { resamples, seed });
  const figures = {
    queries: source.length,
    sourceMean: mean(source),
    targetMean: mean(target),
    meanDifference: mean(differences),
    p5: quantile(bootstrap.means, 0.05),
    p95: quantile(bootstrap.means, 0.95),
    standardDeviation: standardDeviation(differences),
  };
  return { figures, bootstrap };
}

/**
 * GO where the evidence for "not worse" was enough at some query, NO-GO where that for "worse" was. Neither where both
 * were, or where the mean of all queries lies on the other side of −margin by now: queries of later looks contradict
 * earlier ones.
 */
export function verdictOf(
  { notWorse, worse }: BettingTest,
  { meanDifference }: Pick<GateFigures, 'meanDifference'>,
  margin: number,
): GateVerdict {
  const [go, noGo] = [notWorse.decidedAfter !== null, worse.decidedAfter !== null];
  if (go && !noGo && meanDifference > -margin + ROUNDING) return 'GO';
  return noGo && !go && meanDifference < -margin - ROUNDING ? 'NO-GO' : 'INCONCLUSIVE';
}
