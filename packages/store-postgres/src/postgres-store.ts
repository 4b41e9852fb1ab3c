import type {
  BackfillJob,
  ChangeFeed,
  Collection,
  CollectionReader,
  CollectionWriter,
  Coverage,
  EmbeddedRow,
  EmbeddingSpace,
  Figures,
  Hit,
  JobCounts,
  JobQueue,
  KeyRange,
  Migration,
  MigrationEvent,
  MigrationStore,
  NewVector,
  PoisonRecord,
  PoisonRow,
  SourceRow,
  SpaceSwitch,
  StoreCapacity,
  StoredVector,
  SwitchResult,
  Transition,
  VectorReader,
  VectorWriter,
  WriteResult,
} from '@kimera/core';
import { PostgresCapacity } from './capacity.js';
import { PostgresChanges } from './changes.js';
import { PostgresCollections } from './collections.js';
import { PostgresJobs } from './jobs.js';
import { PostgresMigrations } from './migrations.js';
import { ensureSchema } from './schema/ensure-schema.js';
import { Database } from './sql/database.js';
import { reasonOf, StoreUnreachableError } from './sql/sql-errors.js';
import { withoutPassword } from './sql/without-password.js';
import { PostgresVectorReader, type Query } from './vector-reader.js';
import { PostgresVectorWriter } from './vector-writer.js';

export interface PostgresStoreParts {
  /** With its password. */
  readonly connectionString: string;
  readonly connections: number;
  /** Where an embedded database lies. */
  readonly folder?: string;
  /** What else ends when the store is closed, after its connections. */
  readonly end: () => Promise<void>;
}

/** All ports of the store on PostgreSQL, each in a file of its own; PGlite is reached in the same way. */
export class PostgresStore
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
  readonly #collections: PostgresCollections;
  readonly #vectors: PostgresVectorReader;
  readonly #writer: PostgresVectorWriter;
  readonly #changes: PostgresChanges;
  readonly #migrations: PostgresMigrations;
  readonly #capacity: PostgresCapacity;
  #closed: Promise<void> | undefined;

  private constructor(
    /** URL of the database without the password, for people. */
    readonly address: string,
    private readonly database: Database,
    private readonly jobs: PostgresJobs,
    private readonly parts: PostgresStoreParts,
  ) {
    this.#collections = new PostgresCollections(database);
    this.#vectors = new PostgresVectorReader(database);
    this.#writer = new PostgresVectorWriter(database);
    this.#changes = new PostgresChanges(database);
    this.#migrations = new PostgresMigrations(database);
    this.#capacity = new PostgresCapacity(parts.folder);
  }

  /**
   * Makes or updates the schema. `end` is called where this fails. @throws StoreUnreachableError, PgvectorMissingError,
   * PgvectorTooOldError, SchemaTooNewError.
   */
  static async open(parts: PostgresStoreParts): Promise<PostgresStore> {
    const database = new Database(parts);
    const address = withoutPassword(parts.connectionString);
    try {
      await database.script('SELECT 1').catch((cause: unknown) => {
        throw new StoreUnreachableError(address, reasonOf(cause), { cause });
      });
      await ensureSchema(database);
      return new PostgresStore(address, database, await PostgresJobs.open(database), parts);
    } catch (error) {
      await database.close();
      await parts.end();
      throw error;
    }
  }

  /** Waits for queries under way. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.database.close().then(this.parts.end);
    return this.#closed;
  }

  collection(name: string): Promise<Collection> {
    return this.#collections.collection(name);
  }
  countRows(name: string): Promise<number> {
    return this.#collections.countRows(name);
  }
  keyRanges(name: string, rows: number): Promise<readonly KeyRange[]> {
    return this.#collections.keyRanges(name, rows);
  }
  readRange(name: string, range: KeyRange): Promise<readonly SourceRow[]> {
    return this.#collections.readRange(name, range);
  }
  readRows(name: string, ids: readonly string[]): Promise<readonly SourceRow[]> {
    return this.#collections.readRows(name, ids);
  }
  sampleRows(name: string, count: number, seed: number): Promise<readonly SourceRow[]> {
    return this.#collections.sampleRows(name, count, seed);
  }
  createCollection(name: string, space: EmbeddingSpace): Promise<void> {
    return this.#collections.createCollection(name, space);
  }
  upsertRows(name: string, rows: readonly EmbeddedRow[]): Promise<void> {
    return this.#collections.upsertRows(name, rows);
  }
  deleteRows(name: string, ids: readonly string[]): Promise<number> {
    return this.#collections.deleteRows(name, ids);
  }

  search(name: string, query: Query, limit: number): Promise<readonly Hit[]> {
    return this.#vectors.search(name, query, limit);
  }
  searchSpace(name: string, query: Query, limit: number): Promise<readonly Hit[]> {
    return this.#vectors.searchSpace(name, query, limit);
  }
  readVectors(name: string, space: string, ids?: readonly string[]): Promise<readonly StoredVector[]> {
    return this.#vectors.readVectors(name, space, ids);
  }
  coverage(name: string, space: string): Promise<Coverage> {
    return this.#vectors.coverage(name, space);
  }
  spaces(name: string): Promise<readonly EmbeddingSpace[]> {
    return this.#vectors.spaces(name);
  }
  openSpace(name: string, space: EmbeddingSpace): Promise<void> {
    return this.#writer.openSpace(name, space);
  }
  closeSpace(name: string, space: string): Promise<void> {
    return this.#writer.closeSpace(name, space);
  }
  writeVectors(name: string, space: string, vectors: readonly NewVector[]): Promise<WriteResult> {
    return this.#writer.writeVectors(name, space, vectors);
  }
  countPending(name: string, space: string): Promise<number> {
    return this.#changes.countPending(name, space);
  }
  readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]> {
    return this.#changes.readPending(name, space, limit);
  }

  enqueue(migration: string, ranges: readonly KeyRange[]): Promise<void> {
    return this.jobs.enqueue(migration, ranges);
  }
  claim(migration: string, leaseSeconds: number): Promise<BackfillJob | undefined> {
    return this.jobs.claim(migration, leaseSeconds);
  }
  complete(job: BackfillJob, vectors: readonly NewVector[], poison: readonly PoisonRow[]): Promise<WriteResult> {
    return this.jobs.complete(job, vectors, poison);
  }
  release(job: BackfillJob, reason: string): Promise<void> {
    return this.jobs.release(job, reason);
  }
  counts(migration: string): Promise<JobCounts> {
    return this.jobs.counts(migration);
  }
  discard(migration: string): Promise<void> {
    return this.jobs.discard(migration);
  }

  createMigration(collection: string, target: EmbeddingSpace, by: string, figures: Figures): Promise<Migration> {
    return this.#migrations.createMigration(collection, target, by, figures);
  }
  latestMigration(collection: string): Promise<Migration> {
    return this.#migrations.latestMigration(collection);
  }
  transition(migration: string, by: string, transition: Transition): Promise<Migration> {
    return this.#migrations.transition(migration, by, transition);
  }
  note(migration: string, by: string, event: string, figures: Figures): Promise<void> {
    return this.#migrations.note(migration, by, event, figures);
  }
  events(migration: string): Promise<readonly MigrationEvent[]> {
    return this.#migrations.events(migration);
  }
  switchSpace(
    migration: string,
    by: string,
    change: SpaceSwitch,
    embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
  ): Promise<SwitchResult> {
    return this.#migrations.switchSpace(migration, by, change, embed);
  }
  recordPoison(migration: string, space: string, rows: readonly PoisonRow[]): Promise<void> {
    return this.#migrations.recordPoison(migration, space, rows);
  }
  poison(migration: string): Promise<readonly PoisonRecord[]> {
    return this.#migrations.poison(migration);
  }
  excuse(migration: string, by: string, ids: readonly string[]): Promise<number> {
    return this.#migrations.excuse(migration, by, ids);
  }

  estimateBytes(rows: number, dimension: number): number {
    return this.#capacity.estimateBytes(rows, dimension);
  }
  freeBytes(): Promise<number | undefined> {
    return this.#capacity.freeBytes();
  }
}
