import { CatchUpError, MigrationStateError, type Hit, type Migration } from '@kimera/core';
import { ndcg, qualityGate, type GateResult } from '@kimera/evaluation';
import { AcceptanceError, BackfillIncompleteError, PoisonRowsError } from '../errors.js';
import { openMigration } from '../open-migration.js';
import type { MigrationParts } from '../parts.js';
import { TRANSITIONS } from '../transitions.js';
import type { Check } from './check.js';
import { checkCoverage } from './coverage-check.js';
import type { JudgedQuery } from './judged-query.js';
import { retrieve } from './retrieval.js';
import { checkVectors } from './vectors-check.js';

export type Verdict = 'GO' | 'NO-GO' | 'INCONCLUSIVE';

export interface VerifyOptions {
  /** Without judged queries the verdict is at best INCONCLUSIVE. */
  readonly queries?: readonly JudgedQuery[];
  /** δ of the gate, in nDCG@10. */
  readonly margin?: number;
  readonly sampleRows?: number;
  readonly seed?: number;
  /** The operator's words for going on at INCONCLUSIVE; they are kept in the log. */
  readonly accept?: string;
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** Judged queries beyond a model's limit: they were searched for by what was left of them. */
export interface QueriesCut {
  readonly source: number;
  readonly target: number;
}

export interface Verification {
  readonly collection: string;
  readonly migration: string;
  readonly sourceModel: string;
  readonly targetModel: string;
  readonly verdict: Verdict;
  /** Why, in words. */
  readonly reason: string;
  readonly accepted: string | null;
  readonly checks: readonly Check[];
  /** Of nDCG@10 per query, or null without judged queries. */
  readonly gate: GateResult | null;
  readonly quality: {
    readonly metric: 'nDCG@10';
    readonly source: number;
    readonly target: number;
    readonly queries: number;
    readonly cut: QueriesCut;
  } | null;
  /** A similarity threshold of the old space and what lets through the same share of best hits in the new one. */
  readonly thresholds: readonly { readonly share: number; readonly source: number; readonly target: number }[];
}

/** Rows embedded again: none bad of 300 means at most 3/300, one in a hundred, bad at 95 %. */
export const VERIFIED_ROWS = 300;
/** Hits a query: the gate judges nDCG@10. */
const DEPTH = 10;

/**
 * Verifies through the store's own search; GO, or an accepted INCONCLUSIVE, makes the migration `ready`. Every verdict
 * is a line in the log.
 * @throws NoMigrationError, MigrationStateError, BackfillIncompleteError, PoisonRowsError, AcceptanceError.
 */
export async function verifyMigration(parts: MigrationParts, options: VerifyOptions = {}): Promise<Verification> {
  const { queries = [], margin = 0.02, sampleRows = VERIFIED_ROWS, seed = 1, accept, onProgress } = options;
  const { store, by, source, target, collection } = parts;
  if (accept?.trim() === '') throw new AcceptanceError('INCONCLUSIVE', 'the reason is empty');
  const opened = await openMigration(parts, 'verify');
  if (!TRANSITIONS.verify.expected.some((state) => state === opened.state))
    throw new MigrationStateError(opened.id, 'verify', opened.state, TRANSITIONS.verify.expected);
  await refuseUnfinished(parts, opened);
  const migration = await store.migrations.transition(opened.id, by, {
    ...TRANSITIONS.verify,
    event: 'verify',
    figures: { queries: queries.length, seed, margin },
  });

  onProgress?.('rows', 0, 1);
  const checks = [...(await checkCoverage(parts, migration)), ...(await checkVectors(parts, sampleRows, seed))];
  const judged = queries.length === 0 ? null : await judge(parts, queries, margin, seed, onProgress);
  const { verdict, reason } = conclude(checks, judged?.gate ?? null);
  if (accept !== undefined && verdict === 'NO-GO') {
    await store.migrations.note(migration.id, by, 'verdict', { verdict, reason });
    throw new AcceptanceError(verdict, reason);
  }
  const accepted = verdict === 'INCONCLUSIVE' && accept !== undefined ? accept : null;
  const figures = {
    verdict,
    reason,
    ...(judged === null
      ? {}
      : {
          before: judged.quality.source,
          after: judged.quality.target,
          cutBefore: judged.quality.cut.source,
          cutAfter: judged.quality.cut.target,
          p5: judged.gate.p5,
          p95: judged.gate.p95,
        }),
    ...(accepted === null ? {} : { accepted }),
  };
  if (verdict === 'GO' || accepted !== null)
    await store.migrations.transition(migration.id, by, { ...TRANSITIONS.pass, event: 'verdict', figures });
  else await store.migrations.note(migration.id, by, 'verdict', figures);
  return {
    collection,
    migration: migration.id,
    sourceModel: source.space.modelId,
    targetModel: target.space.modelId,
    verdict,
    reason,
    accepted,
    checks,
    gate: judged?.gate ?? null,
    quality: judged?.quality ?? null,
    thresholds: judged?.thresholds ?? [],
  };
}

async function refuseUnfinished(
  { store, collection, target }: MigrationParts,
  { id, state }: Migration,
): Promise<void> {
  const { waiting, active, failed } = await store.jobs.counts(id);
  if (state === 'backfilling' && waiting + active + failed > 0)
    throw new BackfillIncompleteError(waiting, active, failed);
  const poison = (await store.migrations.poison(id)).filter(({ excused }) => excused === 'no');
  if (poison.length > 0)
    throw new PoisonRowsError(
      poison.map((row) => row.id),
      poison[0]?.reason ?? '',
    );
  const pending = await store.changes.countPending(collection, target.space.fingerprint);
  const limit = Math.max(1_000, Math.floor((await store.collections.countRows(collection)) * 0.1));
  if (pending > limit) throw new CatchUpError(pending, limit);
}

function conclude(
  checks: readonly Check[],
  gate: GateResult | null,
): { readonly verdict: Verdict; readonly reason: string } {
  const failed = checks.filter(({ holds }) => !holds);
  if (failed.length > 0)
    return {
      verdict: 'NO-GO',
      reason: `does not hold: ${failed.map(({ name, actual }) => `${name} (${actual})`).join('; ')}`,
    };
  if (gate === null) return { verdict: 'INCONCLUSIVE', reason: 'no judged queries were given: quality is not known' };
  return { verdict: gate.verdict, reason: gate.reason };
}

async function judge(
  parts: MigrationParts,
  queries: readonly JudgedQuery[],
  margin: number,
  seed: number,
  onProgress: VerifyOptions['onProgress'],
) {
  const texts = queries.map(({ text }) => text);
  const before = await retrieve(parts, parts.source, texts, DEPTH, (done) =>
    onProgress?.('queries in the old space', done, queries.length),
  );
  const after = await retrieve(parts, parts.target, texts, DEPTH, (done) =>
    onProgress?.('queries in the new space', done, queries.length),
  );
  const scores = (hits: readonly (readonly Hit[])[]): readonly number[] =>
    hits.map((ranking, i) =>
      ndcg(
        ranking.map(({ id }) => id),
        queries[i]?.relevant ?? {},
        DEPTH,
      ),
    );
  const [source, target] = [scores(before.hits), scores(after.hits)];
  const slices = queries.map(({ slice }) => slice ?? '');
  const gate = qualityGate({
    source,
    target,
    margin,
    seed,
    ...(slices.some((slice) => slice !== '') ? { slices } : {}),
  });
  return {
    gate,
    quality: {
      metric: 'nDCG@10' as const,
      source: mean(source),
      target: mean(target),
      queries: queries.length,
      cut: { source: before.truncated, target: after.truncated },
    },
    thresholds: equivalentThresholds(
      before.hits.map((hits) => hits[0]?.score ?? 0),
      after.hits.map((hits) => hits[0]?.score ?? 0),
    ),
  };
}

/** Quantile matching over the best hits: fixed thresholds break with a new space. */
function equivalentThresholds(before: readonly number[], after: readonly number[]): Verification['thresholds'] {
  const [source, target] = [[...before].sort((a, b) => a - b), [...after].sort((a, b) => a - b)];
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor((1 - share) * sorted.length))] ?? 0;
  return [0.95, 0.9, 0.75, 0.5, 0.25].map((share) => ({ share, source: at(source, share), target: at(target, share) }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
