import { gradeOf, head, type Judgements } from './judgements.js';

/**
 * nDCG (linear gain) where documents of equal score share the mean of their gains, so that no rule for ties decides:
 * scikit-learn's `ndcg_score`. Scores are compared as they are, not as float32. @throws SettingRangeError.
 */
export function tieAveragedNdcg(
  scores: Readonly<Record<string, number>>,
  judgements: Judgements,
  cutoff = Infinity,
): number {
  const ranked = Object.entries(scores)
    .map(([id, score]) => ({ score, grade: gradeOf(judgements, id) }))
    .sort((a, b) => b.score - a.score);
  const depth = head(Object.keys(scores), cutoff).length;
  const discount = (rank: number): number => (rank < depth ? 1 / Math.log2(rank + 2) : 0);
  let found = 0;
  for (let start = 0; start < ranked.length;) {
    const tied = ranked.filter(({ score }) => score === ranked[start]?.score);
    const gain = tied.reduce((sum, { grade }) => sum + grade, 0) / tied.length;
    for (let rank = start; rank < start + tied.length; rank++) found += gain * discount(rank);
    start += tied.length;
  }
  const ideal = Object.keys(judgements)
    .map((id) => gradeOf(judgements, id))
    .sort((a, b) => b - a);
  const best = ideal.reduce((sum, grade, rank) => sum + grade * discount(rank), 0);
  return best === 0 ? 0 : found / best;
}
