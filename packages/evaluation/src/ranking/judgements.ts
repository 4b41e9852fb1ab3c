import { DuplicateItemError, SettingRangeError } from '../errors.js';

/**
 * Grade of each judged document of a query; a grade of 0 or less, and a document that was not judged, is not relevant.
 */
export type Judgements = Readonly<Record<string, number>>;

/** Document ids, the best first. */
export type Ranking = readonly string[];

/** The value of one query's ranking, from 0 to 1. */
export type RankingMetric = (ranking: Ranking, judgements: Judgements) => number;

/** The document's gain: its grade where that is positive, else 0. */
export function gradeOf(judgements: Judgements, id: string): number {
  return Object.hasOwn(judgements, id) ? Math.max(0, judgements[id] ?? 0) : 0;
}

/** Number of documents with a positive grade. */
export function countRelevant(judgements: Judgements): number {
  return Object.values(judgements).filter((grade) => grade > 0).length;
}

/**
 * The first `cutoff` ids. @throws SettingRangeError unless the cut-off is a positive integer or infinite,
 * DuplicateItemError.
 */
export function head(ranking: Ranking, cutoff: number): Ranking {
  if (cutoff !== Infinity && !(Number.isSafeInteger(cutoff) && cutoff > 0))
    throw new SettingRangeError('cutoff', 'a positive integer', cutoff);
  const first = cutoff === Infinity ? ranking : ranking.slice(0, cutoff);
  const seen = new Set<string>();
  for (const id of first) {
    if (seen.has(id)) throw new DuplicateItemError(id);
    seen.add(id);
  }
  return first;
}
