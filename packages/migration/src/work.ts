import { setTimeout as delay } from 'node:timers/promises';
import {
  MigrationStateError,
  UnknownSpaceError,
  type BackfillJob,
  type JobCounts,
  type Migration,
  type MigrationState,
  type NewVector,
  type PoisonRow,
  type TextEmbedder,
  type WriteResult,
} from '@kimera/core';
import { embedRows } from './embed-rows.js';
import { openMigration } from './open-migration.js';
import type { MigrationParts } from './parts.js';

/** Changes embedded in one go: as many as the rows of a job (ROWS_PER_JOB), so that both load the model alike. */
export const CHANGES_PER_BATCH = 256;
/**
 * After this long a job of a worker that died goes to another. A job of 256 rows takes about 4 s with
 * multilingual-e5-small on two cores (docs/migration-summary.md): a worker fifteen times as slow keeps its job.
 */
export const LEASE_SECONDS = 60;
/** A worker with nothing to do looks again after this long: two short queries, four times a second. */
export const POLL_MILLISECONDS = 250;
const WORKED_STATES: readonly MigrationState[] = [
  'backfilling',
  'paused',
  'verifying',
  'ready',
  'cut-over',
  'rolled-back',
];

export interface WorkOptions {
  /**
   * `caught-up`: until no job and no queued change is left. `retired`: keeps all spaces current until the migration is
   * retired.
   */
  readonly until: 'caught-up' | 'retired';
  /** Default {@link LEASE_SECONDS}. */
  readonly leaseSeconds?: number;
  /** Default {@link POLL_MILLISECONDS}. */
  readonly pollMilliseconds?: number;
  /** Upper bound, averaged over each batch; none where absent. */
  readonly maxRowsPerSecond?: number;
  /** Stops at the next batch boundary. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WorkProgress) => void;
}

export interface WorkProgress {
  readonly counts: JobCounts;
  /** By this worker. */
  readonly rows: number;
  readonly rowsPerSecond: number;
}

export interface WorkResult {
  readonly ended: 'caught-up' | 'stopped' | 'paused' | 'retired';
  readonly jobs: number;
  /** Vectors written, of jobs and of changes. */
  readonly written: number;
  /** Vectors that were not written, since the row had another text by then. */
  readonly outdated: number;
  readonly poison: number;
  /** Vectors of the beginning of a text that is longer than the model's limit, written or outdated. */
  readonly truncated: number;
  /** Vectors written for changes of the application. */
  readonly changes: number;
}

/**
 * One worker: takes jobs and queued changes until there are none. Any number of workers may run, in any number of
 * processes; a worker may be killed at any moment. No transaction is open and no row is locked while the model works.
 * @throws NoMigrationError, MigrationStateError where the migration is not started, EmbedderBrokenError; the job at
 * hand is given back.
 */
export async function work(parts: MigrationParts, options: WorkOptions): Promise<WorkResult> {
  const { pollMilliseconds = POLL_MILLISECONDS, signal } = options;
  const { id, state } = await openMigration(parts, 'work');
  if (state === 'planned') throw new MigrationStateError(id, 'work', state, WORKED_STATES);
  const worker = new Worker(parts, id, options);
  for (;;) {
    if (signal?.aborted === true) return worker.result('stopped');
    const migration = await parts.store.migrations.latestMigration(parts.collection);
    if (migration.id !== id || migration.state === 'retired') return worker.result('retired');
    if (migration.state === 'paused') return worker.result('paused');
    try {
      if (await worker.takeJob(migration)) continue;
      if (await worker.takeChanges(migration)) continue;
    } catch (error) {
      // Another process retired the migration meanwhile: the next round sees it.
      if (
        error instanceof UnknownSpaceError &&
        (await parts.store.migrations.latestMigration(parts.collection)).state === 'retired'
      )
        continue;
      throw error;
    }
    if (options.until === 'caught-up' && (await worker.isIdle())) return worker.result('caught-up');
    await delay(pollMilliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

class Worker {
  readonly #parts: MigrationParts;
  readonly #migration: string;
  readonly #options: WorkOptions;
  readonly #started = performance.now();
  #jobs = 0;
  #written = 0;
  #outdated = 0;
  #poison = 0;
  #truncated = 0;
  #changes = 0;

  constructor(parts: MigrationParts, migration: string, options: WorkOptions) {
    this.#parts = parts;
    this.#migration = migration;
    this.#options = options;
  }

  result(ended: WorkResult['ended']): WorkResult {
    return {
      ended,
      jobs: this.#jobs,
      written: this.#written,
      outdated: this.#outdated,
      poison: this.#poison,
      truncated: this.#truncated,
      changes: this.#changes,
    };
  }

  /** False where no job waits. */
  async takeJob(migration: Migration): Promise<boolean> {
    if (migration.state !== 'backfilling') return false;
    const { store } = this.#parts;
    const job = await store.jobs.claim(this.#migration, this.#options.leaseSeconds ?? LEASE_SECONDS);
    if (job === undefined) return false;
    try {
      await this.#throttled(() => this.#process(job));
    } catch (error) {
      await store.jobs.release(job, error instanceof Error ? error.message : String(error));
      if (this.#options.signal?.aborted === true) return false;
      throw error;
    }
    return true;
  }

  /** False where no change waits in any space of the migration. */
  async takeChanges(migration: Migration): Promise<boolean> {
    const { target, source } = this.#parts;
    // Rows of the new space come first until it is the one that searches use.
    const order = migration.state === 'cut-over' ? [source, target] : [target, source];
    let some = false;
    for (const embedder of order) some = (await this.#throttled(() => this.#follow(embedder))) > 0 || some;
    return some;
  }

  async isIdle(): Promise<boolean> {
    const { store, collection, source, target } = this.#parts;
    const { waiting, active } = await store.jobs.counts(this.#migration);
    if (waiting + active > 0) return false;
    for (const { space } of [source, target])
      if ((await this.#pending(() => store.changes.countPending(collection, space.fingerprint), 0)) > 0) return false;
    return true;
  }

  async #process(job: BackfillJob): Promise<number> {
    const { store, collection, target } = this.#parts;
    const rows = await store.collections.readRange(collection, job.range);
    const { vectors, poison } = await embedRows(target, rows, this.#options.signal);
    const result = await store.jobs.complete(job, vectors, poison);
    this.#jobs += 1;
    this.#count(result, vectors, poison);
    await this.#report();
    return rows.length;
  }

  async #follow(embedder: TextEmbedder): Promise<number> {
    const { store, collection } = this.#parts;
    const space = embedder.space.fingerprint;
    const rows = await this.#pending(() => store.changes.readPending(collection, space, CHANGES_PER_BATCH), []);
    if (rows.length === 0) return 0;
    const { vectors, poison } = await embedRows(embedder, rows);
    const result = await store.vectors.writeVectors(collection, space, vectors);
    if (poison.length > 0) await store.migrations.recordPoison(this.#migration, space, poison);
    this.#changes += result.written;
    this.#count(result, vectors, poison);
    await this.#report();
    return rows.length;
  }

  /**
   * The fallback where the collection has no vectors in that space: a planned migration's target, a retired one's
   * loser.
   */
  async #pending<T>(read: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof UnknownSpaceError) return fallback;
      throw error;
    }
  }

  #count({ written, outdated }: WriteResult, vectors: readonly NewVector[], poison: readonly PoisonRow[]): void {
    this.#written += written;
    this.#outdated += outdated;
    this.#poison += poison.length;
    this.#truncated += vectors.filter(({ truncated }) => truncated).length;
  }

  async #report(): Promise<void> {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    const seconds = (performance.now() - this.#started) / 1000;
    onProgress({
      counts: await this.#parts.store.jobs.counts(this.#migration),
      rows: this.#written,
      rowsPerSecond: this.#written / seconds,
    });
  }

  async #throttled(batch: () => Promise<number>): Promise<number> {
    const { maxRowsPerSecond, signal } = this.#options;
    const started = performance.now();
    const rows = await batch();
    if (maxRowsPerSecond === undefined) return rows;
    const early = (rows / maxRowsPerSecond) * 1000 - (performance.now() - started);
    if (early > 0) await delay(early, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    return rows;
  }
}
