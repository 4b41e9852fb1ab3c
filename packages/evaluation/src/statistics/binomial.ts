import { requireInteger, requireShare } from '../checks.js';
import { SettingRangeError } from '../errors.js';

/**
 * P(X ≤ successes) for X binomial over `trials` with probability `share`; by exact terms from the upper one down.
 * @throws SettingRangeError.
 */
export function binomialAtMost(successes: number, trials: number, share: number): number {
  requireInteger('trials', trials, 0);
  requireShare('share', share);
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  let term = Math.exp(
    logChoose(trials, successes) + successes * Math.log(share) + (trials - successes) * Math.log1p(-share),
  );
  let sum = 0;
  for (let k = successes; k >= 0; k--) {
    sum += term;
    term *= (k / (trials - k + 1)) * ((1 - share) / share);
  }
  return Math.min(1, sum);
}

/**
 * The largest share of bad items that `bad` of `sampled` leaves possible at this confidence (Clopper & Pearson 1934,
 * one-sided): the exact form of the rule of three, 0 bad of n ⇒ at most 3/n bad at 95 %. @throws SettingRangeError.
 */
export function upperBoundOfShare(bad: number, sampled: number, confidence = 0.95): number {
  requireInteger('sampled', sampled, 1);
  requireInteger('bad', bad, 0);
  requireShare('confidence', confidence);
  if (bad > sampled) throw new SettingRangeError('bad', `at most ${sampled}`, bad);
  if (bad === sampled) return 1;
  // Its closed form: (1 − bound)ⁿ = 1 − confidence.
  if (bad === 0) return -Math.expm1(Math.log1p(-confidence) / sampled);
  let [low, high] = [bad / sampled, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (binomialAtMost(bad, sampled, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** ln n!: a sum below 32, Stirling's series above (error below 1e-15 of its value). */
function logFactorial(n: number): number {
  if (n < 32) {
    let sum = 0;
    for (let i = 2; i <= n; i++) sum += Math.log(i);
    return sum;
  }
  const inverse = 1 / n;
  const square = inverse * inverse;
  return (
    (n + 0.5) * Math.log(n) -
    n +
    0.5 * Math.log(2 * Math.PI) +
    inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
  );
}
