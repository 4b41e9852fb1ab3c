import {
  CatchUpError,
  checkCollectionName,
  checkDimension,
  checkDistinctIds,
  checkRows,
  checkVector,
  CollectionBrokenError,
  CollectionExistsError,
  NoTenantsError,
  SpaceMismatchError,
  UnknownCollectionError,
  type PoisonRecord,
  type PoisonRow,
  type Row,
  type StoredVector,
  type StorePorts,
} from '@kimera/core';
import { InMemoryCollection } from './in-memory-collection.js';
import { InMemoryInPlace } from './in-memory-in-place.js';
import { InMemoryJobs } from './in-memory-jobs.js';
import { InMemoryMigrations } from './in-memory-migrations.js';

export interface InMemoryStoreOptions {
  /**
   * The clock of leases and of the event log, in milliseconds since 1970; default: one that stands still at 2026-01-01.
   */
  readonly now?: () => number;
  /** Attempts after which a job is given up; default 100. */
  readonly attempts?: number;
  /** The tenant of a row, by its id; absent: rows have none. */
  readonly tenantOf?: (id: string) => string;
  /** What `freeBytes` answers; default undefined. */
  readonly freeBytes?: number;
}

/** Of `capacity`. */
const MAX_DIMENSION = 16_000;
const NEW_YEAR = Date.UTC(2026, 0, 1);
/** Of a row beside its vector, in `estimateBytes`. */
const ROW_BYTES = 200;

/**
 * All ports of the store, in memory and deterministic: the fake of the migration's specs. Writes come one after the
 * other; while `switchSpace` embeds, other writes wait and reads do not, as in the real store.
 */
export class InMemoryStore implements StorePorts {
  readonly #collections = new Map<string, InMemoryCollection>();
  readonly #jobs: InMemoryJobs;
  readonly #migrations: InMemoryMigrations;
  readonly #free: number | undefined;
  readonly #now: () => number;
  readonly #tenantOf: ((id: string) => string) | undefined;
  #writes: Promise<unknown> = Promise.resolve();

  constructor({ now = () => NEW_YEAR, attempts = 100, freeBytes, tenantOf }: InMemoryStoreOptions = {}) {
    this.#jobs = new InMemoryJobs(attempts, now);
    this.#migrations = new InMemoryMigrations(now);
    this.#free = freeBytes;
    this.#now = now;
    this.#tenantOf = tenantOf;
  }

  /** Changes rows as an application's own SQL does: without vectors. */
  writeAsApplication(name: string, rows: readonly Row[]): Promise<void> {
    return this.#write(() => rows.forEach(({ id, text }) => this.#of(name).writeRow(id, text)));
  }
  deleteAsApplication(name: string, ids: readonly string[]): Promise<void> {
    return this.#write(() => ids.forEach((id) => this.#of(name).deleteRow(id)));
  }
  /** As TRUNCATE. */
  emptyAsApplication(name: string): Promise<void> {
    return this.#write(() => this.#of(name).empty());
  }
  /** Puts a vector in place unchecked, as damage would: for specs of verification. */
  damage(name: string, space: string, vector: StoredVector): Promise<void> {
    return this.#write(() => this.#of(name).replace(space, vector));
  }

  readonly collections: StorePorts['collections'] = {
    names: async () => [...this.#collections.keys()].sort(),
    collection: async (name, tenant) => {
      const activeSpace = this.#of(name).activeSpaceOf(tenant);
      return { name, table: `public.${name}`, activeSpace };
    },
    countRows: async (name) => this.#of(name).size,
    keyRanges: async (name, rows) => this.#of(name).keyRanges(rows),
    readRange: async (name, range) => this.#of(name).rowsIn(range),
    readRangeLacking: async (name, range, space) => {
      const collection = this.#of(name);
      const hashes = new Map(collection.vectors(space).map(({ id, contentHash }) => [id, contentHash]));
      return collection.rowsIn(range).filter(({ id, contentHash }) => hashes.get(id) !== contentHash);
    },
    readRows: async (name, ids) => this.#of(name).rows(new Set(ids)),
    sampleRows: async (name, count, seed) => this.#of(name).sample(count, seed),
    createCollection: (name, space) =>
      this.#write(() => {
        checkCollectionName(name);
        checkDimension(space, MAX_DIMENSION);
        if (this.#collections.has(name)) throw new CollectionExistsError(name);
        const created = new InMemoryCollection(name, space.fingerprint, this.#now, this.#tenantOf);
        created.openSpace(space);
        this.#collections.set(name, created);
      }),
    upsertRows: (name, rows) =>
      this.#write(() => {
        const collection = this.#of(name);
        const { activeSpace } = collection;
        checkRows(rows);
        const vectors = rows.map(({ id, embedding: { dense, space, variant, tokenizerRevision, truncated } }) => {
          if (space !== activeSpace) throw new SpaceMismatchError(activeSpace, space, `row ${id}`);
          const vector = dense ?? new Float32Array();
          checkVector(vector, collection.space(activeSpace).dimension, `vector of row ${id}`);
          return { id, dense: vector, variant, tokenizerRevision, truncated };
        });
        for (const { id, text } of rows) collection.writeRow(id, text);
        collection.write(
          activeSpace,
          vectors.map((vector) => ({ ...vector, contentHash: collection.hash(vector.id) ?? '' })),
        );
      }),
    deleteRows: (name, ids) => this.#write(() => ids.filter((id) => this.#of(name).deleteRow(id)).length),
  };

  readonly upkeep: StorePorts['upkeep'] = {
    faults: async (name) => this.#of(name).faults,
    reconcile: (name) => this.#write(() => this.#of(name).reconcile()),
  };

  readonly search: StorePorts['search'] = {
    names: async () => [...this.#collections.keys()].sort(),
    spaces: async (name, tenant) => {
      const { spaces, activeSpace } = this.#of(name);
      if (tenant !== undefined) throw new NoTenantsError(name);
      const active = this.#of(name).space(activeSpace);
      return { active, others: spaces.filter(({ fingerprint }) => fingerprint !== activeSpace) };
    },
    search: async (name, { space, dense }, options) => {
      const collection = this.#of(name);
      if (options.tenant !== undefined) throw new NoTenantsError(name);
      if (space !== collection.activeSpace) throw new SpaceMismatchError(collection.activeSpace, space, 'query');
      return { hits: collection.searchRows(dense, options), scan: 'exact' };
    },
  };

  readonly vectors: StorePorts['vectors'] = {
    searchSpace: async (name, { space, dense }, limit) => this.#of(name).search(space, dense, limit),
    readVectors: async (name, space, ids) => this.#of(name).vectors(space, ids),
    coverage: async (name, space) => this.#of(name).coverage(space),
    spaces: async (name) => this.#of(name).spaces,
    openSpace: (name, space) =>
      this.#write(() => {
        checkDimension(space, MAX_DIMENSION);
        this.#of(name).openSpace(space);
      }),
    closeSpace: (name, space) => this.#write(() => this.#of(name).closeSpace(space)),
    writeVectors: (name, space, vectors) => this.#write(() => this.#of(name).write(space, vectors)),
  };

  readonly changes: StorePorts['changes'] = {
    countPending: async (name, space) => this.#of(name).pending(space).length,
    backlog: async (name, space) => this.#of(name).backlog(space),
    readPending: async (name, space, limit) => this.#of(name).pending(space).slice(0, limit),
    claimPending: (name, space, claim) => this.#write(() => this.#of(name).claim(space, claim)),
    releasePending: (name, space, ids) => this.#write(() => this.#of(name).release(space, ids)),
    setAside: (name, space, rows) => this.#write(() => this.#of(name).setAside(space, rows)),
    rowsSetAside: async (name, space) => this.#of(name).rowsSetAside(space),
  };

  readonly jobs: StorePorts['jobs'] = {
    enqueue: (migration, ranges) => this.#write(() => this.#jobs.enqueue(this.#migrations.get(migration).id, ranges)),
    claim: (migration, leaseSeconds) =>
      this.#write(() => this.#jobs.claim(this.#migrations.get(migration).id, leaseSeconds)),
    complete: (job, vectors, poison) =>
      this.#write(() => {
        const { collection, target } = this.#migrations.get(job.migration);
        this.#of(collection).space(target.fingerprint);
        checkDistinctIds(vectors);
        for (const { id, dense } of vectors) checkVector(dense, target.dimension, `vector of row ${id}`);
        if (!this.#jobs.finish(job.id, vectors.length + poison.length)) return { written: 0, outdated: 0 };
        const result = this.#of(collection).write(target.fingerprint, vectors);
        this.#note(job.migration, target.fingerprint, poison);
        return result;
      }),
    renew: (job, leaseSeconds) => this.#write(() => this.#jobs.renew(job, leaseSeconds)),
    release: (job) => this.#write(() => this.#jobs.release(job.id)),
    counts: async (migration) => this.#jobs.counts(this.#migrations.get(migration).id),
    progress: async (migration) => this.#jobs.progress(this.#migrations.get(migration).id),
    discard: (migration) => this.#write(() => this.#jobs.discard(this.#migrations.get(migration).id)),
  };

  readonly migrations: StorePorts['migrations'] = {
    createMigration: (collection, target, by, figures) =>
      this.#write(() => {
        const from = this.#of(collection);
        return this.#migrations.create(collection, from.space(from.activeSpace), target, by, figures);
      }),
    latestMigration: async (collection) => this.#migrations.latest(collection),
    transition: (migration, by, transition) =>
      this.#write(() => this.#migrations.transition(migration, by, transition)),
    note: (migration, by, event, figures) => this.#write(() => this.#migrations.note(migration, by, event, figures)),
    events: async (migration) => this.#migrations.events(migration),
    judgedQueries: async (migration) => this.#migrations.judgedQueries(migration),
    countQueries: (migration, queries) => this.#write(() => this.#migrations.countQueries(migration, queries)),
    switchSpace: (migration, by, change, embed) =>
      this.#write(async () => {
        const { from, toSpace, maxPending, signal } = change;
        signal?.throwIfAborted();
        this.#migrations.check(migration, change);
        const collection = this.#of(this.#migrations.get(migration).collection);
        collection.checkPointers(from, change.tenants);
        const [fault] = collection.faults;
        if (fault !== undefined) throw new CollectionBrokenError(collection.name, fault.kind, fault.detail);
        const rows = collection.pending(toSpace, change.tenants);
        if (rows.length > maxPending) throw new CatchUpError(rows.length, maxPending);
        const vectors = rows.length === 0 ? [] : await embed(rows);
        const embedded = new Set(vectors.map(({ id }) => id));
        const left = rows.filter(({ id }) => !embedded.has(id)).length;
        if (left > 0) throw new CatchUpError(left, 0);
        const { written } = collection.write(toSpace, vectors);
        signal?.throwIfAborted();
        collection.movePointers(from, toSpace, change.tenants);
        const figures = { ...change.figures, caughtUp: written, blockedMilliseconds: 0 };
        const to = collection.isUsed(from) ? change.to : (change.whenNobodyIsLeft ?? change.to);
        this.#migrations.transition(migration, by, { ...change, to, figures });
        return { caughtUp: written, blockedMilliseconds: 0 };
      }),
    recordPoison: (migration, space, rows) => this.#write(() => this.#note(migration, space, rows)),
    poison: async (migration) => this.#poison(migration),
    excuse: (migration, by, ids) =>
      this.#write(() => {
        const records = this.#poison(migration).filter(({ id, excused }) => ids.includes(id) && excused === 'no');
        this.#migrations.excuse(migration, records);
        const excused = [...new Set(records.map(({ id }) => id))];
        this.#migrations.note(migration, by, 'excuse', { rows: excused.length, ids: excused });
        return excused.length;
      }),
  };

  readonly inPlace: StorePorts['inPlace'] = new InMemoryInPlace();
  readonly capacity: StorePorts['capacity'] = {
    maxDimension: MAX_DIMENSION,
    estimateBytes: (rows, dimension) => rows * (dimension * Float32Array.BYTES_PER_ELEMENT + ROW_BYTES),
    freeBytes: async () => this.#free,
  };

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
          held.has(space) &&
          collection.hash(id) === contentHash &&
          collection.vectors(space, [id]).every((vector) => vector.contentHash !== contentHash),
      );
  }

  /** One write after the other; a failed one changes nothing and holds up none. */
  #write<T>(change: () => T | Promise<T>): Promise<T> {
    const done = this.#writes.then(change);
    this.#writes = done.catch(() => undefined);
    return done;
  }
}
