import type { Judgements, Ranking, RankingMetric } from './judgements.js';

/** A judged query that has no ranking: `zero` counts it as 0 (ir_measures), `skip` leaves it out (pytrec_eval). */
export type MissingQuery = 'zero' | 'skip';

export interface ScoreQueries {
  readonly judgements: Readonly<Record<string, Judgements>>;
  readonly rankings: Readonly<Record<string, Ranking>>;
  readonly metric: RankingMetric;
  /** Default `zero`: a system that answers nothing must not look better for it. */
  readonly missing?: MissingQuery;
}

/**
 * The metric of each judged query, in the order of the judgements. A query without judgements is left out under both
 * conventions.
 */
export function scoreQueries({
  judgements,
  rankings,
  metric,
  missing = 'zero',
}: ScoreQueries): ReadonlyMap<string, number> {
  const scores = new Map<string, number>();
  for (const [query, judged] of Object.entries(judgements)) {
    const ranking = Object.hasOwn(rankings, query) ? rankings[query] : undefined;
    if (ranking !== undefined) scores.set(query, metric(ranking, judged));
    else if (missing === 'zero') scores.set(query, 0);
  }
  return scores;
}
