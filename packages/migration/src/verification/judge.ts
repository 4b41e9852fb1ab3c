import type { Hit, LookedAtQuery, MeasuredQuery, Migration } from '@kimera/core';
import { mean, ndcg, qualityGate, type GateResult } from '@kimera/evaluation';
import type { MigrationParts } from '../parts.js';
import type { JudgedQuery } from './judged-query.js';
import { sortQueries } from './looks.js';
import { retrieve } from './retrieval.js';

/** Hits a query: the gate judges nDCG@10. */
const DEPTH = 10;

/** Judged queries beyond a model's limit: they were searched for by what was left of them. */
export interface QueriesCut {
  readonly source: number;
  readonly target: number;
}

/** nDCG@10 of all queries that the migration has counted. */
export interface JudgedQuality {
  readonly metric: 'nDCG@10';
  readonly source: number;
  readonly target: number;
  /** Counted by this look and those before it. */
  readonly queries: number;
  /** Looks so far; this one is the last, unless `added` is 0. */
  readonly look: number;
  /** Counted by this look. */
  readonly added: number;
  /** Given again: counted by an earlier look, and not measured anew. */
  readonly known: number;
  /** Of `known`, with other judgements than those that were counted. */
  readonly changed: number;
  /** Texts that were in the file more than once. */
  readonly repeated: number;
  readonly cut: QueriesCut;
}

/** A similarity threshold of the old space and what lets through the same share of best hits in the new one. */
export interface EquivalentThreshold {
  readonly share: number;
  readonly source: number;
  readonly target: number;
}

export interface Judgement {
  readonly gate: GateResult;
  readonly quality: JudgedQuality;
  readonly thresholds: readonly EquivalentThreshold[];
}

export interface JudgeOptions {
  readonly queries: readonly JudgedQuery[];
  readonly margin: number;
  readonly seed: number;
  readonly onProgress: ((step: string, done: number, total: number) => void) | undefined;
}

/**
 * Measures the queries that are new in both spaces, counts them, and judges all that the migration has counted. Null
 * where it has counted none.
 */
export async function judge(
  parts: MigrationParts,
  { id }: Migration,
  { queries, margin, seed, onProgress }: JudgeOptions,
): Promise<Judgement | null> {
  const { migrations } = parts.store;
  const { added, ...given } = await sortQueries(queries, await migrations.judgedQueries(id));
  const judged = added.map(({ query }) => query);
  const before = await measure(parts, 'source', judged, (done) =>
    onProgress?.('queries in the old space', done, judged.length),
  );
  const after = await measure(parts, 'target', judged, (done) =>
    onProgress?.('queries in the new space', done, judged.length),
  );
  // Counted before anything is shown: what was seen cannot be left out.
  const look = await migrations.countQueries(
    id,
    added.flatMap(({ query: { slice = '' }, hash, judgements }, i) => {
      const [source, target] = [before[i], after[i]];
      return source === undefined || target === undefined ? [] : [{ hash, judgements, slice, source, target }];
    }),
  );
  const counted = await migrations.judgedQueries(id);
  if (counted.length === 0) return null;
  const [source, target] = [counted.map((query) => query.source), counted.map((query) => query.target)];
  return {
    gate: gateOf(counted, margin, seed),
    quality: {
      metric: 'nDCG@10',
      source: mean(source.map(({ score }) => score)),
      target: mean(target.map(({ score }) => score)),
      queries: counted.length,
      look,
      added: added.length,
      ...given,
      cut: { source: truncated(source), target: truncated(target) },
    },
    thresholds: equivalentThresholds(
      source.map(({ best }) => best),
      target.map(({ best }) => best),
    ),
  };
}

function gateOf(counted: readonly LookedAtQuery[], margin: number, seed: number): GateResult {
  return qualityGate({
    source: counted.map(({ source }) => source.score),
    target: counted.map(({ target }) => target.score),
    looks: counted.map(({ look }) => look),
    slices: counted.map(({ slice }) => slice),
    margin,
    seed,
  });
}

async function measure(
  parts: MigrationParts,
  side: 'source' | 'target',
  queries: readonly JudgedQuery[],
  onProgress: (done: number) => void,
): Promise<readonly MeasuredQuery[]> {
  const found = await retrieve(
    parts,
    parts[side],
    queries.map(({ text }) => text),
    DEPTH,
    onProgress,
  );
  return found.map(({ hits, truncated: cut }, i) => ({
    score: ndcg(
      hits.map(({ id }: Hit) => id),
      queries[i]?.relevant ?? {},
      DEPTH,
    ),
    best: hits[0]?.score ?? 0,
    truncated: cut,
  }));
}

function truncated(measured: readonly MeasuredQuery[]): number {
  return measured.filter((query) => query.truncated).length;
}

/** Quantile matching over the best hits: fixed thresholds break with a new space. */
function equivalentThresholds(before: readonly number[], after: readonly number[]): readonly EquivalentThreshold[] {
  const [source, target] = [[...before].sort((a, b) => a - b), [...after].sort((a, b) => a - b)];
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor((1 - share) * sorted.length))] ?? 0;
  return [0.95, 0.9, 0.75, 0.5, 0.25].map((share) => ({ share, source: at(source, share), target: at(target, share) }));
}
