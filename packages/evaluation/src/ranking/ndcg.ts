import { gradeOf, head, type Judgements, type Ranking } from './judgements.js';

/** What a grade is worth: the grade itself (trec_eval, BEIR, MTEB), or 2^grade − 1. They agree on binary judgements. */
export type Gain = 'linear' | 'exponential';

const GAINS: Readonly<Record<Gain, (grade: number) => number>> = {
  linear: (grade) => grade,
  exponential: (grade) => 2 ** grade - 1,
};

/**
 * Normalised discounted cumulative gain of the first `cutoff` documents: Σ gain / log2(rank + 1), divided by that of
 * the ideal order of
 * *all* judged documents cut at the same place. 0 where nothing is relevant. @throws SettingRangeError,
 * DuplicateItemError.
 */
export function ndcg(ranking: Ranking, judgements: Judgements, cutoff = Infinity, gain: Gain = 'linear'): number {
  const found = head(ranking, cutoff).map((id) => gradeOf(judgements, id));
  const ideal = Object.keys(judgements)
    .map((id) => gradeOf(judgements, id))
    .sort((a, b) => b - a);
  const best = discounted(ideal.slice(0, cutoff), GAINS[gain]);
  return best === 0 ? 0 : discounted(found, GAINS[gain]) / best;
}

function discounted(grades: readonly number[], gain: (grade: number) => number): number {
  return grades.reduce((sum, grade, rank) => sum + gain(grade) / Math.log2(rank + 2), 0);
}
