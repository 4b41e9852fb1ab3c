import { countRelevant, gradeOf, head, type Judgements, type Ranking } from './judgements.js';

/** Metrics over relevant or not. All throw SettingRangeError for a bad cut-off and DuplicateItemError. */

/** Share of the relevant documents that are among the first `cutoff`; 0 where none is relevant. */
export function recall(ranking: Ranking, judgements: Judgements, cutoff = Infinity): number {
  const relevant = countRelevant(judgements);
  return relevant === 0 ? 0 : countFound(ranking, judgements, cutoff) / relevant;
}

/**
 * Share of the first `cutoff` places that hold a relevant document; a shorter ranking is divided by `cutoff` all the
 * same, as trec_eval does.
 */
export function precision(ranking: Ranking, judgements: Judgements, cutoff: number): number {
  return countFound(ranking, judgements, cutoff) / cutoff;
}

/** 1 where a relevant document is among the first `cutoff`, else 0 (trec_eval: success). */
export function hit(ranking: Ranking, judgements: Judgements, cutoff = Infinity): number {
  return countFound(ranking, judgements, cutoff) > 0 ? 1 : 0;
}

/** 1 / rank of the first relevant document among the first `cutoff`, else 0. trec_eval's recip_rank has no cut-off. */
export function reciprocalRank(ranking: Ranking, judgements: Judgements, cutoff = Infinity): number {
  const place = head(ranking, cutoff).findIndex((id) => gradeOf(judgements, id) > 0);
  return place === -1 ? 0 : 1 / (place + 1);
}

/**
 * Sum of the precision at each relevant document among the first `cutoff`, divided by the number of relevant documents.
 */
export function averagePrecision(ranking: Ranking, judgements: Judgements, cutoff = Infinity): number {
  const relevant = countRelevant(judgements);
  let found = 0;
  let sum = 0;
  head(ranking, cutoff).forEach((id, place) => {
    if (gradeOf(judgements, id) > 0) sum += ++found / (place + 1);
  });
  return relevant === 0 ? 0 : sum / relevant;
}

function countFound(ranking: Ranking, judgements: Judgements, cutoff: number): number {
  return head(ranking, cutoff).filter((id) => gradeOf(judgements, id) > 0).length;
}
