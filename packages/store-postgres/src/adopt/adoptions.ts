import type {
  Adoption,
  AdoptionProgress,
  AdoptionRequest,
  AdoptionStore,
  EmbeddingSpace,
  OldVector,
  TextsCut,
  VectorColumnWriter,
} from '@kimera/core';
import type { Database } from '../sql/database.js';
import { beginAdoption } from './begin-adoption.js';
import { changeWriter, type ChangeWriterOptions, type WriterChange } from './change-writer.js';
import { checkAdoption, type AdoptableTable } from './check-adoption.js';
import { copyVectors, readProgress } from './copy-vectors.js';
import { TableAdoptedError } from './errors.js';
import { inspectTable, readAdopted, type AdoptedTable, type TableInspection } from './inspect-table.js';
import { observedVectorWrites, type ObservedWrites } from './observed-writes.js';
import {
  dropCollection,
  readParts,
  removeSchema,
  unadoptCollection,
  type CollectionParts,
} from './remove-collection.js';
import { sampleVectors } from './sample-vectors.js';
import { checkSame, readUnfinished, type Unfinished } from './unfinished.js';

/** Tables of the application: what they are, and how they become collections. */
export class PostgresAdoptions implements AdoptionStore {
  constructor(private readonly database: Database) {}

  /** @throws TableNotFoundError. */
  inspect(table: string): Promise<TableInspection> {
    return inspectTable(this.database, table);
  }

  /** What is known of a collection's table as the application's. @throws UnknownCollectionError. */
  adopted(collection: string): Promise<AdoptedTable> {
    return readAdopted(this.database, collection);
  }

  async check(request: AdoptionRequest, space: EmbeddingSpace): Promise<Adoption> {
    try {
      return this.#adoption(await checkAdoption(this.database, request, space), space);
    } catch (error) {
      if (!(error instanceof TableAdoptedError)) throw error;
      const unfinished = await readUnfinished(this.database, error.collection);
      if (unfinished === undefined) throw error;
      checkSame(error.collection, unfinished, request, space);
      return this.#begun(error.collection, error.table, unfinished);
    }
  }

  copyVectors(collection: string, limit: number, areCut: TextsCut): Promise<AdoptionProgress> {
    return copyVectors(this.database, collection, limit, areCut);
  }

  progress(collection: string): Promise<AdoptionProgress> {
    return readProgress(this.database, collection);
  }

  /** Whether the application writes its vector column itself. @param since all that is known where absent. */
  observedVectorWrites(collection: string, since?: Date): Promise<ObservedWrites> {
    return observedVectorWrites(this.database, collection, since);
  }

  /**
   * From now on `to` writes the vector column. Stopped, the same call goes on.
   * @throws UnknownCollectionError, NoVectorColumnError, AdoptionUnfinishedError, VectorWriterUnderMigrationError,
   * KeeperColumnError, VectorWriterDisagreesError; nothing has changed then.
   */
  changeWriter(collection: string, to: VectorColumnWriter, options: ChangeWriterOptions = {}): Promise<WriterChange> {
    return changeWriter(this.database, collection, to, options);
  }

  /** @throws UnknownCollectionError. */
  parts(collection: string): Promise<CollectionParts> {
    return readParts(this.database, collection);
  }

  /** @throws NotAdoptedError, UnknownCollectionError, MigrationUnderWayError, BusyError. */
  unadopt(collection: string): Promise<CollectionParts> {
    return unadoptCollection(this.database, collection);
  }

  /** @throws AdoptedCollectionError, UnknownCollectionError, TableInUseError, BusyError. */
  drop(collection: string): Promise<CollectionParts> {
    return dropCollection(this.database, collection);
  }

  /** Where no collection is left, nothing of ours is: this store cannot be used any more. Returns whether it is so. */
  removeSchema(): Promise<boolean> {
    return removeSchema(this.database);
  }

  #adoption(checked: AdoptableTable, space: EmbeddingSpace): Adoption {
    const { table, collection, key, text, tenant, vector } = checked;
    return {
      collection,
      table: table.title,
      id: key.map(({ name }) => name),
      text,
      tenant,
      vector: vector === null ? null : { column: vector.column, type: vector.type, writer: vector.writer },
      rows: table.rows.count,
      begun: 'now',
      sampleVectors: (count, seed) => sampleVectors(this.database, checked, count, seed),
      begin: (stamp) => beginAdoption(this.database, checked, space, stamp),
    };
  }

  #begun(collection: string, table: string, { id, text, tenant, vector, rows }: Unfinished): Adoption {
    return {
      collection,
      table,
      id,
      text,
      tenant,
      vector,
      rows,
      begun: 'before',
      sampleVectors: async (): Promise<readonly OldVector[]> => [],
      begin: async () => undefined,
    };
  }
}
