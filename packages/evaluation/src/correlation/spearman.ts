import { requirePairs } from '../checks.js';
import { pearson } from './pearson.js';
import { averageRanks } from './ranks.js';

/** Spearman's ρ: Pearson's r of the ranks, ties sharing their mean rank. @throws as pearson. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requirePairs(a, b, 2, 'Spearman correlation');
  return pearson(averageRanks(a), averageRanks(b));
}
