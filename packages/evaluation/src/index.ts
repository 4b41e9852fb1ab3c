export { pearson } from './correlation/pearson.js';
export { averageRanks } from './correlation/ranks.js';
export { spearman } from './correlation/spearman.js';
export {
  ConstantInputError,
  DifferenceRangeError,
  DuplicateItemError,
  InvalidScoreError,
  SettingRangeError,
  TooFewValuesError,
  UnpairedScoresError,
} from './errors.js';
export { bettingTest, CAPS, LEVEL, THRESHOLD, type BettingTest, type Evidence } from './gate/betting.js';
export type { GateFigures, GateResult, GateVerdict, SliceResult } from './gate/gate-result.js';
export { queriesToDecide } from './gate/queries-to-decide.js';
export { MINIMUM_QUERIES, POWER, qualityGate, type QualityGateOptions } from './gate/quality-gate.js';
export { averagePrecision, hit, precision, recall, reciprocalRank } from './ranking/binary-metrics.js';
export type { Judgements, Ranking, RankingMetric } from './ranking/judgements.js';
export { ndcg, type Gain } from './ranking/ndcg.js';
export { rankByScore } from './ranking/rank-by-score.js';
export { scoreQueries, type MissingQuery, type ScoreQueries } from './ranking/score-queries.js';
export { tieAveragedNdcg } from './ranking/tie-averaged-ndcg.js';
export { binomialAtMost, upperBoundOfShare } from './statistics/binomial.js';
export { bootstrapMean, type Bootstrap, type BootstrapOptions } from './statistics/bootstrap.js';
export { mcNemarTest, type McNemarTest } from './statistics/mcnemar.js';
export { benjaminiHochberg, holm } from './statistics/multiple-testing.js';
export { DEFAULT_MARGIN, neededQueries, type NeededQueries } from './statistics/needed-queries.js';
export { normalQuantile } from './statistics/normal-quantile.js';
export { createRandom, randomFromState, type Random } from './statistics/random.js';
export { signFlipTest, type SignFlipTest } from './statistics/sign-flip.js';
export { mean, quantile, standardDeviation, type QuantileMethod } from './statistics/summary.js';
