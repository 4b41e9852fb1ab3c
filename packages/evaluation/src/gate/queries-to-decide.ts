import { requireShare } from '../checks.js';
import { SettingRangeError } from '../errors.js';
import { DEFAULT_MARGIN, type NeededQueries } from '../statistics/needed-queries.js';
import { logNormalProbability } from '../statistics/normal-probability.js';
import { CAPS, THRESHOLD } from './betting.js';

/** Beyond this many no number is given: nobody judges them. */
const MOST_QUERIES = 10_000_000;

/**
 * Judged queries with which the sequential gate has decided with probability `power`: with no loss, δ 0.02 and power
 * 0.85 about 10 · (σ / δ)², 1.38 times the n of one look at a fixed number (`neededQueries`). The logarithm of the
 * capital is taken as a Brownian motion with drift: within 10 % of simulations without skew (docs/statistics.md).
 * Infinity where the bets, which are those for no loss or a loss of 2δ, do not decide so surely: near a loss of δ.
 * @throws SettingRangeError.
 */
export function queriesToDecide({
  standardDeviation = 0.3,
  margin = DEFAULT_MARGIN,
  difference = 0,
  power = 0.85,
}: NeededQueries = {}): number {
  if (!(standardDeviation >= 0 && standardDeviation < Infinity))
    throw new SettingRangeError('standardDeviation', 'at least 0', standardDeviation);
  requireShare('margin', margin);
  if (!Number.isFinite(difference)) throw new SettingRangeError('difference', 'finite', difference);
  requireShare('power', power);
  const effect = Math.abs(difference + margin);
  const worst = difference > -margin ? 1 - margin : 1 + margin;
  const best = margin / (standardDeviation ** 2 + margin ** 2);
  const capped = best > CAPS[0] / worst;
  const candidates = CAPS.map((cap) => {
    const stake = Math.min(best, cap / worst);
    const drift = stake * effect - (stake ** 2 * (standardDeviation ** 2 + effect ** 2)) / 2;
    // Where the caps differ, one half of the capital has to win alone.
    const goal = Math.log(THRESHOLD * (capped ? CAPS.length : 1));
    return smallest((queries) => reached(queries, drift, stake * standardDeviation, goal) >= power);
  });
  return Math.min(...candidates);
}

/** Probability that a Brownian motion of this drift and standard deviation a step has reached the goal. */
function reached(steps: number, drift: number, deviation: number, goal: number): number {
  if (deviation * Math.sqrt(steps) < 1e-9) return drift * steps >= goal ? 1 : 0;
  const spread = deviation * Math.sqrt(steps);
  return (
    Math.exp(logNormalProbability((drift * steps - goal) / spread)) +
    Math.exp((2 * drift * goal) / deviation ** 2 + logNormalProbability((-drift * steps - goal) / spread))
  );
}

function smallest(holds: (queries: number) => boolean): number {
  if (!holds(MOST_QUERIES)) return Infinity;
  let [below, at] = [0, MOST_QUERIES];
  while (at - below > 1) {
    const middle = Math.floor((below + at) / 2);
    if (holds(middle)) at = middle;
    else below = middle;
  }
  return at;
}
