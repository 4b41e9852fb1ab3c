import { MigrationStateError, type Figures, type Migration } from '@kimera/core';
import type { GateResult } from '@kimera/evaluation';
import { AcceptanceError, BackfillIncompleteError, PoisonRowsError } from '../errors.js';
import { openMigration } from '../open-migration.js';
import type { MigrationParts } from '../parts.js';
import { TRANSITIONS } from '../transitions.js';
import type { Check } from './check.js';
import { checkCoverage } from './coverage-check.js';
import { judge, type EquivalentThreshold, type JudgedQuality, type Judgement } from './judge.js';
import type { JudgedQuery } from './judged-query.js';
import { marginOf } from './looks.js';
import { settle, SETTLE_SECONDS } from './settle.js';
import { checkVectors } from './vectors-check.js';

export type Verdict = 'GO' | 'NO-GO' | 'INCONCLUSIVE';

export interface VerifyOptions {
  /**
   * Each counts once a migration, by its text: those that an earlier verification counted are not measured again, and
   * count all the same where they are left out. With none at all the verdict is at best INCONCLUSIVE.
   */
  readonly queries?: readonly JudgedQuery[];
  /** δ of the gate, in nDCG@10: that of the plan. @throws MarginFixedError where it is another. */
  readonly margin?: number;
  readonly sampleRows?: number;
  readonly seed?: number;
  /** The operator's words for going on at INCONCLUSIVE; they are kept in the log. */
  readonly accept?: string;
  /** Time in which changes that wait must have been embedded, default {@link SETTLE_SECONDS}. */
  readonly settleSeconds?: number;
  /** Stops the wait for changes. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string, done: number, total: number) => void;
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
  /**
   * Of all queries that the migration has counted; null where it has counted none, or where a check does not hold: then
   * none is measured.
   */
  readonly gate: GateResult | null;
  readonly quality: JudgedQuality | null;
  readonly thresholds: readonly EquivalentThreshold[];
}

/** Rows embedded again: none bad of 300 means at most 3/300, one in a hundred, bad at 95 %. */
export const VERIFIED_ROWS = 300;

/**
 * Verifies through the store's own search; GO, or an accepted INCONCLUSIVE, makes the migration `ready`. Every verdict
 * is a line in the log. Whatever is verified again, a migration that was `ready` is so only after the new verdict:
 * queries of earlier looks stay counted, and a verdict that turns says which look it had been reached at.
 * @throws NoMigrationError, MigrationStateError, MarginFixedError, BackfillIncompleteError, ChangesWaitingError,
 * PoisonRowsError: nothing was judged, the state stays; AcceptanceError.
 */
export async function verifyMigration(parts: MigrationParts, options: VerifyOptions = {}): Promise<Verification> {
  const { queries = [], sampleRows = VERIFIED_ROWS, seed = 1, accept, onProgress } = options;
  const { store, by, source, target, collection } = parts;
  if (accept?.trim() === '') throw new AcceptanceError('INCONCLUSIVE', 'the reason is empty');
  const opened = await openMigration(parts, 'verify');
  if (!TRANSITIONS.verify.expected.some((state) => state === opened.state))
    throw new MigrationStateError(opened.id, 'verify', opened.state, TRANSITIONS.verify.expected);
  const margin = marginOf(await store.migrations.events(opened.id), options.margin);
  await refuseUnfinished(parts, opened);
  await settle(parts, { seconds: options.settleSeconds ?? SETTLE_SECONDS, signal: options.signal, onProgress });
  await refusePoison(parts, opened);
  const migration = await store.migrations.transition(opened.id, by, {
    ...TRANSITIONS.verify,
    event: 'verify',
    figures: { queries: queries.length, seed, margin },
  });

  onProgress?.('rows', 0, 1);
  const checks = [...(await checkCoverage(parts, migration)), ...(await checkVectors(parts, sampleRows, seed))];
  // Vectors that are not right are not judged: their queries would count for the whole migration.
  const judged = checks.every(({ holds }) => holds)
    ? await judge(parts, migration, { queries, margin, seed, onProgress })
    : null;
  const { verdict, reason } = conclude(checks, judged);
  if (accept !== undefined && verdict === 'NO-GO') {
    await store.migrations.note(migration.id, by, 'verdict', { verdict, reason });
    throw new AcceptanceError(verdict, reason);
  }
  const accepted = verdict === 'INCONCLUSIVE' && accept !== undefined ? accept : null;
  const figures = {
    verdict,
    reason,
    ...(judged === null ? {} : figuresOf(judged)),
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

function figuresOf({ quality, gate }: Judgement): Figures {
  return {
    look: quality.look,
    counted: quality.queries,
    added: quality.added,
    before: quality.source,
    after: quality.target,
    cutBefore: quality.cut.source,
    cutAfter: quality.cut.target,
    margin: gate.margin,
    decidedBy: gate.decidedBy,
    logENotWorse: gate.notWorse.logE,
    logEWorse: gate.worse.logE,
    p5: gate.p5,
    p95: gate.p95,
  };
}

async function refuseUnfinished({ store }: MigrationParts, { id, state }: Migration): Promise<void> {
  const { waiting, active, failed } = await store.jobs.counts(id);
  if (state === 'backfilling' && waiting + active + failed > 0)
    throw new BackfillIncompleteError(waiting, active, failed);
}

async function refusePoison({ store }: MigrationParts, { id }: Migration): Promise<void> {
  const poison = (await store.migrations.poison(id)).filter(({ excused }) => excused === 'no');
  if (poison.length > 0)
    throw new PoisonRowsError(
      poison.map((row) => row.id),
      poison[0]?.reason ?? '',
    );
}

function conclude(
  checks: readonly Check[],
  judged: Judgement | null,
): { readonly verdict: Verdict; readonly reason: string } {
  const failed = checks.filter(({ holds }) => !holds);
  if (failed.length > 0)
    return {
      verdict: 'NO-GO',
      reason: `does not hold: ${failed.map(({ name, actual }) => `${name} (${actual})`).join('; ')}`,
    };
  if (judged === null) return { verdict: 'INCONCLUSIVE', reason: 'no judged queries were given: quality is not known' };
  const { gate, quality } = judged;
  return { verdict: gate.verdict, reason: [gate.reason, ...cutOf(quality)].join('; ') };
}

/** Nothing is cut in silence. */
function cutOf({ cut, queries }: JudgedQuality): readonly string[] {
  return cut.source + cut.target === 0
    ? []
    : [
        `of the ${queries} queries ${cut.source} are longer than the old model's limit and ${cut.target} than the new one's: they were searched for by their beginning`,
      ];
}
