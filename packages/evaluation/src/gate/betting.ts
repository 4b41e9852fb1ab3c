import { requireFinite, requireShare } from '../checks.js';
import { DifferenceRangeError, TooFewValuesError } from '../errors.js';

/** P(GO at any look | a true loss of δ or more), and P(NO-GO at any look | a true loss of δ or less), are at most this. */
export const LEVEL = 0.05;
/** An e-value from here on decides (Ville's inequality: it is reached with probability 1 / threshold at most). */
export const THRESHOLD = 1 / LEVEL;
const LOG_THRESHOLD = Math.log(THRESHOLD);
/**
 * Largest share of the capital that the worst possible query may take, one for each half of the capital: ½ as in
 * Waudby-Smith & Ramdas 2023; 9/10 needs a third fewer queries where the models hardly differ. docs/statistics.md has
 * the simulations.
 */
export const CAPS = [0.5, 0.9] as const;
/** Variance before the first difference: the largest that scores from 0 to 1 have. It weighs as one query. */
const FIRST_VARIANCE = 0.25;

/** What the queries say against one hypothesis. */
export interface Evidence {
  /** Natural logarithm of the largest e-value that was reached. */
  readonly logE: number;
  /** Natural logarithm of the e-value after the last query. */
  readonly lastLogE: number;
  /** min(1, 1 / e): a p-value that holds however often it is looked at. */
  readonly p: number;
  /** Queries after which the e-value reached {@link THRESHOLD}; null where it did not. */
  readonly decidedAfter: number | null;
}

export interface BettingTest {
  /** Against "the true mean of new − old is at most −δ". */
  readonly notWorse: Evidence;
  /** Against "the true mean of new − old is at least −δ". */
  readonly worse: Evidence;
}

/**
 * Two tests by betting (Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", 2023): a
 * capital of 1 is bet on each query in turn, for a mean above −δ and, with another capital, for one below it. Where the
 * hypothesis holds nobody can expect to win: the capital is an e-process, and reaches 20 with probability 5 % at most,
 * whatever the distribution and however often it is asked. The stake before query i is δ / (σ² + δ²), the best one
 * where the models are equally good (or the loss is 2δ); σ² is estimated from the queries before i alone.
 * @param differences New − old, from −1 to 1, in the order in which they were counted.
 * @param margin δ. @throws TooFewValuesError, InvalidScoreError, DifferenceRangeError, SettingRangeError.
 */
export function bettingTest(differences: ArrayLike<number>, margin: number): BettingTest {
  requireShare('margin', margin);
  if (differences.length === 0) throw new TooFewValuesError(1, 0, 'betting test');
  requireFinite(differences, 'betting test');
  const above = new Capital(margin, 1 - margin);
  const below = new Capital(margin, 1 + margin);
  let [mean, squares] = [0, 0];
  for (let i = 0; i < differences.length; i++) {
    const difference = differences[i] as number;
    if (Math.abs(difference) > 1) throw new DifferenceRangeError(i, difference);
    const variance = (FIRST_VARIANCE + squares) / (i + 1);
    above.bet(difference + margin, variance);
    below.bet(-difference - margin, variance);
    const step = difference - mean;
    mean += step / (i + 1);
    squares += step * (difference - mean);
  }
  return { notWorse: above.evidence(), worse: below.evidence() };
}

/** Half of the capital is bet with each cap. */
class Capital {
  readonly #caps: readonly [number, number];
  /** Logarithms of what each half has become, for 1 at the start. */
  #careful = 0;
  #bold = 0;
  #queries = 0;
  #largest = -Infinity;
  #decidedAfter: number | null = null;

  /** @param worst The largest loss of one query for a stake of 1. */
  constructor(
    private readonly effect: number,
    worst: number,
  ) {
    this.#caps = [CAPS[0] / worst, CAPS[1] / worst];
  }

  bet(outcome: number, variance: number): void {
    const stake = this.effect / (variance + this.effect ** 2);
    const [careful, bold] = this.#caps;
    const gain = Math.log1p(Math.min(stake, careful) * outcome);
    this.#careful += gain;
    this.#bold += stake <= careful ? gain : Math.log1p(Math.min(stake, bold) * outcome);
    this.#queries += 1;
    this.#largest = Math.max(this.#largest, this.#log());
    if (this.#decidedAfter === null && this.#largest >= LOG_THRESHOLD) this.#decidedAfter = this.#queries;
  }

  evidence(): Evidence {
    return {
      logE: this.#largest,
      lastLogE: this.#log(),
      p: Math.min(1, Math.exp(-this.#largest)),
      decidedAfter: this.#decidedAfter,
    };
  }

  #log(): number {
    const apart = Math.abs(this.#careful - this.#bold);
    return Math.max(this.#careful, this.#bold) + (apart === 0 ? 0 : Math.log((1 + Math.exp(-apart)) / 2));
  }
}
