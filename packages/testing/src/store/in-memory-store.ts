import {
  CatchUpError,
  checkCollectionName,
  checkDistinctIds,
  checkRows,
  checkVector,
  CollectionExistsError,
  SpaceMismatchError,
  UnknownCollectionError,
  type BackfillJob,
  type ChangeFeed,
  type Collection,
  type CollectionReader,
  type CollectionWriter,
  type Coverage,
  type EmbeddedRow,
  type EmbeddingSpace,
  type Figures,
  type Hit,
  type JobCounts,
  type JobQueue,
  type KeyRange,
  type Migration,
  type MigrationEvent,
  type MigrationStore,
  type NewVector,
  type PoisonRecord,
  type PoisonRow,
  type Row,
  type SourceRow,
  type SpaceSwitch,
  type StoreCapacity,
  type StoredVector,
  type SwitchResult,
  type Transition,
  type Vector,
  type VectorReader,
  type VectorWriter,
  type WriteResult,
} from '@kimera/core';
import { InMemoryCollection } from './in-memory-collection.js';
import { InMemoryJobs } from './in-memory-jobs.js';
import { InMemoryMigrations } from './in-memory-migrations.js';

export interface InMemoryStoreOptions {
  /**
   * The clock of leases and of the event log, in milliseconds since 1970; default: one that stands still at 2026-01-01.
   */
  readonly now?: () => number;
  /** Attempts after which a job is given up; default 100. */
  readonly attempts?: number;
  /** What `freeBytes` answers; default undefined. */
  readonly freeBytes?: number;
}

const NEW_YEAR = Date.UTC(2026, 0, 1);
/** Of a row beside its vector, in `estimateBytes`. */
const ROW_BYTES = 200;

/**
 * All ports of the store, in memory and deterministic: the fake of the migration's specs. Writes come one after the
 * other; while
 * `switchSpace` embeds, other writes wait and reads do not, as in the real store.
 */
export class InMemoryStore
  implements
    CollectionReader,
    CollectionWriter,
    VectorReader,
    VectorWriter,
    ChangeFeed,
    JobQueue,
    MigrationStore,
    StoreCapacity
{
  readonly #collections = new Map<string, InMemoryCollection>();
  readonly #jobs: InMemoryJobs;
  readonly #migrations: InMemoryMigrations;
  readonly #free: number | undefined;
  #writes: Promise<unknown> = Promise.resolve();

  constructor({ now = () => NEW_YEAR, attempts = 100, freeBytes }: InMemoryStoreOptions = {}) {
    this.#jobs = new InMemoryJobs(attempts, now);
    this.#migrations = new InMemoryMigrations(now);
    this.#free = freeBytes;
  }

  /** Changes rows as an application's own SQL does: without vectors. */
  writeAsApplication(name: string, rows: readonly Row[]): Promise<void> {
    return this.#write(() => rows.forEach(({ id, text }) => this.#of(name).writeRow(id, text)));
  }
  deleteAsApplication(name: string, ids: readonly string[]): Promise<void> {
    return this.#write(() => ids.forEach((id) => this.#of(name).deleteRow(id)));
  }
  /** Puts a vector in place unchecked, as damage would: for specs of verification. */
  damage(name: string, space: string, vector: StoredVector): Promise<void> {
    return this.#write(() => this.#of(name).replace(space, vector));
  }

  async collection(name: string): Promise<Collection> {
    return { name, table: `public.${name}`, activeSpace: this.#of(name).activeSpace };
  }
  async countRows(name: string): Promise<number> {
    return this.#of(name).size;
  }
  async keyRanges(name: string, rows: number): Promise<readonly KeyRange[]> {
    return this.#of(name).keyRanges(rows);
  }
  async readRange(name: string, range: KeyRange): Promise<readonly SourceRow[]> {
    return this.#of(name).rowsIn(range);
  }
  async readRows(name: string, ids: readonly string[]): Promise<readonly SourceRow[]> {
    return this.#of(name).rows(new Set(ids));
  }
  async sampleRows(name: string, count: number, seed: number): Promise<readonly SourceRow[]> {
    return this.#of(name).sample(count, seed);
  }

  createCollection(name: string, space: EmbeddingSpace): Promise<void> {
    return this.#write(() => {
      checkCollectionName(name);
      if (this.#collections.has(name)) throw new CollectionExistsError(name);
      const created = new InMemoryCollection(name, space.fingerprint);
      created.openSpace(space);
      this.#collections.set(name, created);
    });
  }
  upsertRows(name: string, rows: readonly EmbeddedRow[]): Promise<void> {
    return this.#write(() => {
      const collection = this.#of(name);
      const { activeSpace } = collection;
      checkRows(rows);
      const vectors = rows.map(({ id, embedding: { dense, space, variant, truncated } }) => {
        if (space !== activeSpace) throw new SpaceMismatchError(activeSpace, space, `row ${id}`);
        const vector = dense ?? new Float32Array();
        checkVector(vector, collection.space(activeSpace).dimension, `vector of row ${id}`);
        return { id, dense: vector, variant, truncated };
      });
      for (const { id, text } of rows) collection.writeRow(id, text);
      collection.write(
        activeSpace,
        vectors.map((vector) => ({ ...vector, contentHash: collection.hash(vector.id) ?? '' })),
      );
    });
  }
  deleteRows(name: string, ids: readonly string[]): Promise<number> {
    return this.#write(() => ids.filter((id) => this.#of(name).deleteRow(id)).length);
  }

  async search(
    name: string,
    { space, dense }: { readonly space: string; readonly dense: Vector },
    limit: number,
  ): Promise<readonly Hit[]> {
    const collection = this.#of(name);
    if (space !== collection.activeSpace) throw new SpaceMismatchError(collection.activeSpace, space, 'query');
    return collection.search(space, dense, limit);
  }
  async searchSpace(
    name: string,
    { space, dense }: { readonly space: string; readonly dense: Vector },
    limit: number,
  ): Promise<readonly Hit[]> {
    return this.#of(name).search(space, dense, limit);
  }
  async readVectors(name: string, space: string, ids?: readonly string[]): Promise<readonly StoredVector[]> {
    return this.#of(name).vectors(space, ids);
  }
  async coverage(name: string, space: string): Promise<Coverage> {
    return this.#of(name).coverage(space);
  }
  async spaces(name: string): Promise<readonly EmbeddingSpace[]> {
    return this.#of(name).spaces;
  }

  openSpace(name: string, space: EmbeddingSpace): Promise<void> {
    return this.#write(() => this.#of(name).openSpace(space));
  }
  closeSpace(name: string, space: string): Promise<void> {
    return this.#write(() => this.#of(name).closeSpace(space));
  }
  writeVectors(name: string, space: string, vectors: readonly NewVector[]): Promise<WriteResult> {
    return this.#write(() => this.#of(name).write(space, vectors));
  }

  async countPending(name: string, space: string): Promise<number> {
    return this.#of(name).pending(space).length;
  }
  async readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]> {
    return this.#of(name).pending(space).slice(0, limit);
  }

  enqueue(migration: string, ranges: readonly KeyRange[]): Promise<void> {
    return this.#write(() => this.#jobs.enqueue(this.#migrations.get(migration).id, ranges));
  }
  claim(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    return this.#write(() => this.#jobs.claim(this.#migrations.get(migration).id, leaseSeconds));
  }
  complete(job: BackfillJob, vectors: readonly NewVector[], poison: readonly PoisonRow[]): Promise<WriteResult> {
    return this.#write(() => {
      const { collection, target } = this.#migrations.get(job.migration);
      this.#of(collection).space(target.fingerprint);
      checkDistinctIds(vectors);
      for (const { id, dense } of vectors) checkVector(dense, target.dimension, `vector of row ${id}`);
      if (!this.#jobs.finish(job.id)) return { written: 0, outdated: 0 };
      const result = this.#of(collection).write(target.fingerprint, vectors);
      this.#note(job.migration, target.fingerprint, poison);
      return result;
    });
  }
  release(job: BackfillJob): Promise<void> {
    return this.#write(() => this.#jobs.release(job.id));
  }
  async counts(migration: string): Promise<JobCounts> {
    return this.#jobs.counts(this.#migrations.get(migration).id);
  }
  discard(migration: string): Promise<void> {
    return this.#write(() => this.#jobs.discard(this.#migrations.get(migration).id));
  }

  createMigration(collection: string, target: EmbeddingSpace, by: string, figures: Figures): Promise<Migration> {
    return this.#write(() => {
      const from = this.#of(collection);
      return this.#migrations.create(collection, from.space(from.activeSpace), target, by, figures);
    });
  }
  async latestMigration(collection: string): Promise<Migration> {
    return this.#migrations.latest(collection);
  }
  transition(migration: string, by: string, transition: Transition): Promise<Migration> {
    return this.#write(() => this.#migrations.transition(migration, by, transition));
  }
  note(migration: string, by: string, event: string, figures: Figures): Promise<void> {
    return this.#write(() => this.#migrations.note(migration, by, event, figures));
  }
  async events(migration: string): Promise<readonly MigrationEvent[]> {
    return this.#migrations.events(migration);
  }
  switchSpace(
    migration: string,
    by: string,
    change: SpaceSwitch,
    embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
  ): Promise<SwitchResult> {
    return this.#write(async () => {
      this.#migrations.check(migration, change);
      const collection = this.#of(this.#migrations.get(migration).collection);
      const { from, toSpace, maxPending } = change;
      if (collection.activeSpace !== from)
        throw new SpaceMismatchError(from, collection.activeSpace, `active space of ${collection.name}`);
      const rows = collection.pending(toSpace);
      if (rows.length > maxPending) throw new CatchUpError(rows.length, maxPending);
      const vectors = rows.length === 0 ? [] : await embed(rows);
      const embedded = new Set(vectors.map(({ id }) => id));
      const left = rows.filter(({ id }) => !embedded.has(id)).length;
      if (left > 0) throw new CatchUpError(left, 0);
      const { written } = collection.write(toSpace, vectors);
      collection.activeSpace = toSpace;
      this.#migrations.transition(migration, by, change);
      return { caughtUp: written, blockedMilliseconds: 0 };
    });
  }
  recordPoison(migration: string, space: string, rows: readonly PoisonRow[]): Promise<void> {
    return this.#write(() => this.#note(migration, space, rows));
  }
  async poison(migration: string): Promise<readonly PoisonRecord[]> {
    return this.#poison(migration);
  }
  excuse(migration: string, by: string, ids: readonly string[]): Promise<number> {
    return this.#write(() => {
      const records = this.#poison(migration).filter(({ id, excused }) => ids.includes(id) && excused === 'no');
      this.#migrations.excuse(migration, records);
      const excused = [...new Set(records.map(({ id }) => id))];
      this.#migrations.note(migration, by, 'excuse', { rows: excused.length, ids: excused });
      return excused.length;
    });
  }

  estimateBytes(rows: number, dimension: number): number {
    return rows * (dimension * Float32Array.BYTES_PER_ELEMENT + ROW_BYTES);
  }
  async freeBytes(): Promise<number | undefined> {
    return this.#free;
  }

  #of(name: string): InMemoryCollection {
    const collection = this.#collections.get(name);
    if (collection === undefined) throw new UnknownCollectionError(name, [...this.#collections.keys()].sort());
    return collection;
  }

  /** Only rows whose text is still the one that failed. */
  #note(migration: string, space: string, rows: readonly PoisonRow[]): void {
    const collection = this.#of(this.#migrations.get(migration).collection);
    for (const row of rows.filter(({ id, contentHash }) => collection.hash(id) === contentHash)) {
      this.#migrations.recordPoison(migration, space, row);
      collection.settle(space, row.id);
    }
  }

  #poison(migration: string): readonly PoisonRecord[] {
    const collection = this.#of(this.#migrations.get(migration).collection);
    const held = new Set(collection.spaces.map(({ fingerprint }) => fingerprint));
    return this.#migrations
      .poison(migration)
      .filter(
        ({ id, contentHash, space }) =>
          held.has(space) && collection.hash(id) === contentHash && collection.vectors(space, [id]).length === 0,
      );
  }

  /** One write after the other; a failed one changes nothing and holds up none. */
  #write<T>(change: () => T | Promise<T>): Promise<T> {
    const done = this.#writes.then(change);
    this.#writes = done.catch(() => undefined);
    return done;
  }
}
