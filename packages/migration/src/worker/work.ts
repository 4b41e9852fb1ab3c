import {
  MigrationStateError,
  UnknownSpaceError,
  type EmbeddingSpace,
  type MigrationState,
  type TextEmbedder,
} from '@kimera/core';
import { openMigration } from '../open-migration.js';
import type { MigrationParts } from '../parts.js';
import { CollectionWorker, emptyTally, type WorkTally } from './collection-worker.js';
import { Pace, pause, type PaceOptions } from './pace.js';
import { Patience } from './patience.js';
import { Progress, type WorkProgress } from './progress.js';

/**
 * After this long a job of a worker that died goes to another. A living worker renews its lease after each call of the
 * model, which takes about half a second.
 */
export const LEASE_SECONDS = 60;
/** A worker with nothing to do looks again after this long: some short queries, four times a second. */
export const POLL_MILLISECONDS = 250;
/** How long a worker waits for a database that is away: a server that recovers from a crash is back within minutes. */
export const PATIENCE_SECONDS = 600;
const WORKED_STATES: readonly MigrationState[] = [
  'backfilling',
  'paused',
  'verifying',
  'ready',
  'cut-over',
  'rolled-back',
];

export interface WorkOptions extends PaceOptions {
  /**
   * `caught-up`: until no job and no queued change is left. `retired`: keeps all spaces current until the migration is
   * retired.
   */
  readonly until: 'caught-up' | 'retired';
  /** Default {@link LEASE_SECONDS}. */
  readonly leaseSeconds?: number;
  /** Default {@link POLL_MILLISECONDS}. */
  readonly pollMilliseconds?: number;
  /** Default {@link PATIENCE_SECONDS}. */
  readonly patienceSeconds?: number;
  /** Stops after the call of the model that is under way; the job at hand is given back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WorkProgress) => void;
  /** The database is away: once each time. */
  readonly onAway?: (reason: string) => void;
  readonly onBack?: (seconds: number) => void;
}

export interface WorkResult extends Readonly<WorkTally> {
  readonly ended: 'caught-up' | 'stopped' | 'paused' | 'retired';
}

/**
 * One worker: takes queued changes and jobs until there are none; changes of the active space first, then those of the
 * other, then jobs. Any number of workers may run, in any number of processes; a worker may be killed at any moment. No
 * transaction is open and no row is locked while the model works. It waits for a database that is away.
 * @throws NoMigrationError, MigrationStateError where the migration is not started, EmbedderBrokenError; the job at
 * hand is given back.
 */
export async function work(parts: MigrationParts, options: WorkOptions): Promise<WorkResult> {
  const { pollMilliseconds = POLL_MILLISECONDS, leaseSeconds = LEASE_SECONDS, signal } = options;
  const { patienceSeconds: seconds = PATIENCE_SECONDS, onAway, onBack } = options;
  const { id, state } = await openMigration(parts, 'work');
  if (state === 'planned') throw new MigrationStateError(id, 'work', state, WORKED_STATES);
  const { collection, source, target } = parts;
  const store = new Patience({ seconds, signal, onAway, onBack }).store(parts.store);
  const tally = emptyTally();
  const spaces = [source.space, target.space];
  const progress = new Progress(store, id, tally, options.onProgress);
  const worker: CollectionWorker = new CollectionWorker({
    store,
    collection,
    model: async ({ fingerprint }: EmbeddingSpace): Promise<TextEmbedder | undefined> =>
      [source, target].find(({ space }) => space.fingerprint === fingerprint),
    pace: new Pace(options, signal),
    tally,
    leaseSeconds,
    signal,
    takeUrgent: () => worker.takeChanges(spaces, 'active rows'),
    onBatch: () => progress.report(),
  });
  const result = (ended: WorkResult['ended']): WorkResult => ({ ended, ...tally });
  const isIdle = async (): Promise<boolean> => {
    const { waiting, active } = await store.jobs.counts(id);
    if (waiting + active > 0) return false;
    const open = new Set((await store.vectors.spaces(collection)).map(({ fingerprint }) => fingerprint));
    for (const { fingerprint } of spaces)
      if (open.has(fingerprint) && (await store.changes.countPending(collection, fingerprint)) > 0) return false;
    return true;
  };
  try {
    for (;;) {
      signal?.throwIfAborted();
      const migration = await store.migrations.latestMigration(collection);
      if (migration.id !== id || migration.state === 'retired') return result('retired');
      if (migration.state === 'paused') return result('paused');
      try {
        if (await worker.takeChanges(spaces, 'active rows')) continue;
        if (await worker.takeChanges(spaces, 'all rows')) continue;
        if (await worker.takeJob(migration)) continue;
        if (options.until === 'caught-up' && (await isIdle())) return result('caught-up');
      } catch (error) {
        // Another process retired the migration meanwhile: the next round sees it.
        if (
          error instanceof UnknownSpaceError &&
          (await store.migrations.latestMigration(collection)).state === 'retired'
        )
          continue;
        throw error;
      }
      await pause(pollMilliseconds, signal);
    }
  } catch (error) {
    if (signal?.aborted === true) return result('stopped');
    throw error;
  }
}
