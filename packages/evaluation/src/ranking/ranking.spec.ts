import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  averagePrecision,
  DuplicateItemError,
  hit,
  InvalidScoreError,
  mean,
  ndcg,
  precision,
  rankByScore,
  recall,
  reciprocalRank,
  scoreQueries,
  SettingRangeError,
  tieAveragedNdcg,
  type RankingMetric,
} from '../index.js';

const { cases, sklearn_ties: ties } = golden('ranking');
const at =
  (metric: (...parameters: [...Parameters<RankingMetric>, number]) => number, cutoff: number): RankingMetric =>
  (ranking, judgements) =>
    metric(ranking, judgements, cutoff);
/** trec_eval's name, ir_measures' name, ours. */
const METRICS: readonly (readonly [string, string, RankingMetric])[] = [
  ['P_1', 'P@1', at(precision, 1)],
  ['P_3', 'P@3', at(precision, 3)],
  ['P_10', 'P@10', at(precision, 10)],
  ['map', 'AP', at(averagePrecision, Infinity)],
  ['map_cut_10', 'AP@10', at(averagePrecision, 10)],
  ['ndcg', 'nDCG', at(ndcg, Infinity)],
  ['ndcg_cut_3', 'nDCG@3', at(ndcg, 3)],
  ['ndcg_cut_5', 'nDCG@5', at(ndcg, 5)],
  ['ndcg_cut_10', 'nDCG@10', at(ndcg, 10)],
  ['recall_1', 'R@1', at(recall, 1)],
  ['recall_3', 'R@3', at(recall, 3)],
  ['recall_5', 'R@5', at(recall, 5)],
  ['recall_10', 'R@10', at(recall, 10)],
  ['recip_rank', 'RR', at(reciprocalRank, Infinity)],
  ['success_1', 'Success@1', at(hit, 1)],
  ['success_5', 'Success@5', at(hit, 5)],
];

describe.each(cases)(
  'trec_eval, $name',
  ({
    qrels,
    run,
    pytrec_eval_per_query: perQuery,
    ir_measures_mean: means,
    order_used_by_trec_eval: order,
    exponential_gain_ndcg: exponential,
  }) => {
    const rankings = Object.fromEntries(Object.entries(run).map(([query, scores]) => [query, rankByScore(scores)]));

    it('orders documents the same', () => expect(rankings).toEqual(order));
    it.each(METRICS)('%s', (trec, measure, metric) => {
      const skipped = scoreQueries({ judgements: qrels, rankings, metric, missing: 'skip' });
      expect([...skipped.keys()].sort()).toEqual(Object.keys(perQuery).sort());
      for (const [query, score] of skipped) expect(score).toBeCloseTo(perQuery[query]?.[trec] ?? NaN, 9);
      expect(mean([...scoreQueries({ judgements: qrels, rankings, metric }).values()])).toBeCloseTo(
        means[measure] ?? NaN,
        9,
      );
    });
    it('reciprocal rank with a cut-off', () => {
      // ir_measures takes RR@10 from another implementation than the rest, with another rule for ties: there
      // trec_eval's order does not apply.
      const tied = Object.values(run).some(
        (scores) => new Set(Object.values(scores).map(Math.fround)).size < Object.keys(scores).length,
      );
      const score = mean([...scoreQueries({ judgements: qrels, rankings, metric: at(reciprocalRank, 10) }).values()]);
      expect(score).toBeCloseTo((tied ? means['RR'] : means['RR@10']) ?? NaN, 9);
    });
    it('nDCG with exponential gain', () => {
      for (const [query, values] of Object.entries(exponential)) {
        for (const cutoff of [3, 5, 10])
          expect(ndcg(rankings[query] ?? [], qrels[query] ?? {}, cutoff, 'exponential')).toBeCloseTo(
            values[`ndcg@${cutoff}`] ?? NaN,
            9,
          );
      }
    });
  },
);

it("ties share their gain as scikit-learn's do", () => {
  const byItem = (values: readonly number[]): Record<string, number> =>
    Object.fromEntries(values.map((value, i) => [`d${i}`, value]));
  expect(tieAveragedNdcg(byItem(ties.scores), byItem(ties.relevance), 3)).toBeCloseTo(ties['ndcg@3'], 9);
  expect(tieAveragedNdcg(byItem(ties.scores), byItem(ties.relevance))).toBeCloseTo(ties.ndcg, 9);
});

const someRanking = fc.record({
  ranking: fc.uniqueArray(fc.constantFrom(...Array.from('abcdefghij')), { maxLength: 10 }),
  judgements: fc.dictionary(fc.constantFrom(...Array.from('abcdefghijkl')), fc.integer({ min: -1, max: 3 })),
  cutoff: fc.integer({ min: 1, max: 12 }),
});

it('every metric lies in [0, 1], and the ideal order has nDCG 1', () => {
  fc.assert(
    fc.property(someRanking, ({ ranking, judgements, cutoff }) => {
      for (const metric of [ndcg, recall, precision, hit, reciprocalRank, averagePrecision]) {
        const value = metric(ranking, judgements, cutoff);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
      }
      const ideal = Object.keys(judgements).sort((a, b) => (judgements[b] ?? 0) - (judgements[a] ?? 0));
      const relevant = Object.values(judgements).some((grade) => grade > 0);
      expect(ndcg(ideal, judgements, cutoff)).toBeCloseTo(relevant ? 1 : 0, 12);
    }),
  );
});

it('moving a relevant document up never lowers nDCG', () => {
  fc.assert(
    fc.property(someRanking, ({ ranking, judgements, cutoff }) => {
      const place = ranking.findIndex(
        (id, i) => i > 0 && (judgements[id] ?? 0) > Math.max(0, judgements[ranking[i - 1] ?? ''] ?? 0),
      );
      fc.pre(place > 0);
      const swapped = [
        ...ranking.slice(0, place - 1),
        ranking[place] ?? '',
        ranking[place - 1] ?? '',
        ...ranking.slice(place + 1),
      ];
      expect(ndcg(swapped, judgements, cutoff)).toBeGreaterThanOrEqual(ndcg(ranking, judgements, cutoff));
    }),
  );
});

it('the order of the input of rankByScore does not matter', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), fc.constantFrom(0.1, 0.2, 0.3)), (scores) => {
      expect(rankByScore(Object.fromEntries(Object.entries(scores).reverse()))).toEqual(rankByScore(scores));
    }),
  );
});

it('refuses what has no meaning', () => {
  expect(() => ndcg(['a', 'a'], { a: 1 }, 10)).toThrow(DuplicateItemError);
  expect(() => recall(['a'], { a: 1 }, 0)).toThrow(SettingRangeError);
  expect(() => precision(['a'], { a: 1 }, 1.5)).toThrow(SettingRangeError);
  expect(() => rankByScore({ a: NaN })).toThrow(InvalidScoreError);
  expect(ndcg(['constructor', 'a'], { a: 1 }, 10)).toBeCloseTo(1 / Math.log2(3), 12);
});
