import {
  NoMigrationError,
  UnknownSpaceError,
  type BackfillJob,
  type ChangesOf,
  type EmbeddingSpace,
  type Migration,
  type NewVector,
  type PoisonRow,
  type SourceRow,
  type TextEmbedder,
  type WriteResult,
  reasonOf,
} from '@kimera/core';
import { embedRows, type EmbeddingsOfRows } from '../embed-rows.js';
import type { MigrationStorePorts } from '../parts.js';
import type { Pace } from './pace.js';

/** Changes embedded in one go at most. */
export const CHANGES_PER_BATCH = 256;
/**
 * After this long at most the changes of a worker that died go to another; sooner where its lease is shorter. A batch of
 * changes is about half a second of work: a worker thirty times as slow keeps its own.
 */
export const CLAIM_SECONDS = 15;

export interface WorkTally {
  jobs: number;
  /** Vectors written, of jobs and of changes. */
  written: number;
  /** Vectors that were not written, since the row had another text by then. */
  outdated: number;
  poison: number;
  /** Vectors of the beginning of a text that is longer than the model's limit, written or outdated. */
  truncated: number;
  /** Vectors written for changes of the application. */
  changes: number;
}
export const emptyTally = (): WorkTally => ({
  jobs: 0,
  written: 0,
  outdated: 0,
  poison: 0,
  truncated: 0,
  changes: 0,
});

export interface CollectionWorkerParts {
  readonly store: MigrationStorePorts;
  readonly collection: string;
  /** The model of a space; undefined where there is none: its changes wait then. */
  readonly model: (space: EmbeddingSpace) => Promise<TextEmbedder | undefined>;
  readonly pace: Pace;
  readonly tally: WorkTally;
  readonly leaseSeconds: number;
  readonly signal: AbortSignal | undefined;
  /** Changes that come before any job; called between two calls of the model. False where none waits. */
  readonly takeUrgent: () => Promise<boolean>;
  readonly onBatch: () => Promise<void>;
}

/** What one worker does for one collection. No transaction is open and no row is locked while a model works. */
export class CollectionWorker {
  /** Claims that could not be released, since the database was away. */
  readonly #held = new Map<string, readonly string[]>();

  constructor(private readonly parts: CollectionWorkerParts) {}

  /** A batch of changes in each of these spaces. False where none waits. */
  async takeChanges(spaces: readonly EmbeddingSpace[], of: ChangesOf): Promise<boolean> {
    let some = false;
    for (const space of spaces) {
      this.parts.signal?.throwIfAborted();
      const embedder = await this.parts.model(space);
      if (embedder !== undefined) some = (await this.#follow(embedder, of)) || some;
    }
    return some;
  }

  /** False where no job waits, or the migration is not in its backfill. */
  async takeJob(migration: Migration): Promise<boolean> {
    if (migration.state !== 'backfilling') return false;
    const { store, model, leaseSeconds } = this.parts;
    const embedder = await model(migration.target);
    if (embedder === undefined) return false;
    const job = await store.jobs.claim(migration.id, leaseSeconds);
    if (job === undefined) return false;
    try {
      await this.#process(job, embedder);
    } catch (error) {
      await store.jobs.release(job, reasonOf(error));
      throw error;
    }
    return true;
  }

  async #follow(embedder: TextEmbedder, of: ChangesOf): Promise<boolean> {
    const { store, collection, pace } = this.parts;
    const space = embedder.space.fingerprint;
    const leaseSeconds = Math.min(CLAIM_SECONDS, this.parts.leaseSeconds);
    await this.#release(space, []);
    const limit = Math.min(CHANGES_PER_BATCH, pace.rows(space));
    const rows = await this.#whereOpen<readonly SourceRow[]>(
      () => store.changes.claimPending(collection, space, { limit, leaseSeconds, of }),
      [],
    );
    if (rows.length === 0) return false;
    try {
      const embeddings = await this.#embed(embedder, rows);
      const result = await store.vectors.writeVectors(collection, space, embeddings.vectors);
      await this.#setAside(space, embeddings.poison);
      this.parts.tally.changes += result.written;
      this.#count(result, embeddings);
    } finally {
      await this.#release(
        space,
        rows.map(({ id }) => id),
      );
    }
    await this.parts.onBatch();
    return true;
  }

  async #process(job: BackfillJob, embedder: TextEmbedder): Promise<void> {
    const { store, collection, pace, tally } = this.parts;
    const space = embedder.space.fingerprint;
    // A row that was changed has its vector by now, or one whose job was given back.
    const rows = await store.collections.readRangeLacking(collection, job.range, space);
    const [vectors, poison]: [NewVector[], PoisonRow[]] = [[], []];
    try {
      let from = 0;
      while (from < rows.length) {
        if (from > 0 && !(await this.#goesOn(job))) {
          await this.#keepVectors(space, vectors);
          return;
        }
        const slice = rows.slice(from, from + pace.rows(space));
        const embeddings = await this.#embed(embedder, slice);
        vectors.push(...embeddings.vectors);
        poison.push(...embeddings.poison);
        from += slice.length;
      }
    } catch (error) {
      if (this.parts.signal?.aborted === true) await this.#keepVectors(space, vectors);
      throw error;
    }
    const result = await store.jobs.complete(job, vectors, poison);
    tally.jobs += 1;
    this.#count(result, { vectors, poison });
    await this.parts.onBatch();
  }

  /** What was embedded of a job that is not done now: nobody needs to do it again. */
  async #keepVectors(space: string, vectors: readonly NewVector[]): Promise<void> {
    if (vectors.length === 0) return;
    const { store, collection } = this.parts;
    const result = await this.#whereOpen(() => store.vectors.writeVectors(collection, space, vectors), {
      written: 0,
      outdated: 0,
    });
    this.#count(result, { vectors, poison: [] });
  }

  /** Urgent changes first. False where the job is no longer this worker's: paused, or its lease ran out. */
  async #goesOn(job: BackfillJob): Promise<boolean> {
    const { store, collection, takeUrgent, leaseSeconds, signal } = this.parts;
    for (;;) {
      signal?.throwIfAborted();
      const { id, state } = await store.migrations.latestMigration(collection);
      if (id !== job.migration || state !== 'backfilling') {
        await store.jobs.release(job, `the migration is ${state}`);
        return false;
      }
      if (!(await store.jobs.renew(job, leaseSeconds))) return false;
      if (!(await takeUrgent())) return true;
    }
  }

  async #embed(embedder: TextEmbedder, rows: readonly SourceRow[]): Promise<EmbeddingsOfRows> {
    const { pace, signal } = this.parts;
    return pace.run(embedder.space.fingerprint, rows.length, () => embedRows(embedder, rows, signal));
  }

  /** In a migration they block the cutover. */
  async #setAside(space: string, poison: readonly PoisonRow[]): Promise<void> {
    if (poison.length === 0) return;
    const { store, collection } = this.parts;
    const migration = await latestMigration(store, collection);
    if (migration === undefined || migration.state === 'retired')
      await store.changes.setAside(collection, space, poison);
    else await store.migrations.recordPoison(migration.id, space, poison);
  }

  async #release(space: string, ids: readonly string[]): Promise<void> {
    const held = [...(this.#held.get(space) ?? []), ...ids];
    if (held.length === 0) return;
    this.#held.set(space, held);
    const { store, collection } = this.parts;
    await this.#whereOpen(() => store.changes.releasePending(collection, space, held), undefined);
    this.#held.delete(space);
  }

  /**
   * The fallback where the collection has no vectors in that space: a planned migration's target, a retired one's
   * loser.
   */
  async #whereOpen<T>(call: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof UnknownSpaceError) return fallback;
      throw error;
    }
  }

  #count({ written, outdated }: WriteResult, { vectors, poison }: Pick<EmbeddingsOfRows, 'vectors' | 'poison'>): void {
    const { tally } = this.parts;
    tally.written += written;
    tally.outdated += outdated;
    tally.poison += poison.length;
    tally.truncated += vectors.filter(({ truncated }) => truncated).length;
  }
}

/** Undefined where the collection has had none. */
export async function latestMigration(
  store: Pick<MigrationStorePorts, 'migrations'>,
  collection: string,
): Promise<Migration | undefined> {
  try {
    return await store.migrations.latestMigration(collection);
  } catch (error) {
    if (error instanceof NoMigrationError) return undefined;
    throw error;
  }
}
