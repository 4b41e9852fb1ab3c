import { requireInteger } from '../checks.js';
import { binomialAtMost } from './binomial.js';

/** Exact McNemar test of paired hits: only queries on which the two sides differ count. */
export interface McNemarTest {
  /** Queries that the old side answers and the new one misses. */
  readonly onlyOld: number;
  readonly onlyNew: number;
  readonly twoSided: number;
  /** p of "the new side is not better": small where it is better. */
  readonly newBetter: number;
  /** p of "the new side is not worse": small where it is worse. */
  readonly newWorse: number;
}

/** @throws SettingRangeError unless both are integers from 0 on. */
export function mcNemarTest(onlyOld: number, onlyNew: number): McNemarTest {
  requireInteger('onlyOld', onlyOld, 0);
  requireInteger('onlyNew', onlyNew, 0);
  const differing = onlyOld + onlyNew;
  const [newBetter, newWorse] = [binomialAtMost(onlyOld, differing, 0.5), binomialAtMost(onlyNew, differing, 0.5)];
  return { onlyOld, onlyNew, twoSided: Math.min(1, 2 * Math.min(newBetter, newWorse)), newBetter, newWorse };
}
