import type { StorePorts } from '@kimera/core';
import type { ServerAddress } from './address/server-address.js';
import { PostgresAdoptions } from './adopt/adoptions.js';
import { PostgresCapacity } from './capacity.js';
import { PostgresChanges } from './changes.js';
import { PostgresCollections } from './collections.js';
import { PostgresInPlace } from './in-place/in-place.js';
import { PostgresJobs } from './jobs.js';
import { PostgresMigrations } from './migrations.js';
import { PostgresSearch } from './search/search.js';
import { ensureSchema } from './schema/ensure-schema.js';
import { Database } from './sql/database.js';
import { PostgresUpkeep } from './upkeep/postgres-upkeep.js';
import { PostgresVectors } from './vectors.js';

export interface PostgresStoreParts {
  readonly address: ServerAddress;
  readonly connections: number;
  /** Where an embedded database lies. */
  readonly folder?: string;
  /** What else ends when the store is closed, after its connections. */
  readonly end: () => Promise<void>;
}

/** All ports of the store on PostgreSQL, each in a file of its own; PGlite is reached in the same way. */
export interface PostgresStore extends StorePorts {
  /** URL of the database without the password, for people. */
  readonly address: string;
  readonly adoption: PostgresAdoptions;
  /** Waits for queries under way. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes or updates the schema where it is not there or older. `end` is called where this fails.
 * @throws StoreUnavailableError, StoreAccessError, MissingRightError, PgvectorMissingError, PgvectorTooOldError,
 * SchemaOutdatedError, SchemaTooNewError.
 */
export async function openPostgresStore(parts: PostgresStoreParts): Promise<PostgresStore> {
  let opened: Database | undefined;
  let closed: Promise<void> | undefined;
  try {
    const database = await Database.open(parts.address, parts);
    opened = database;
    database.usePgvector(await ensureSchema(database));
    return {
      address: parts.address.title,
      collections: new PostgresCollections(database),
      search: new PostgresSearch(database),
      upkeep: new PostgresUpkeep(database),
      vectors: new PostgresVectors(database),
      changes: new PostgresChanges(database),
      jobs: new PostgresJobs(database),
      migrations: new PostgresMigrations(database),
      capacity: new PostgresCapacity(parts.folder),
      inPlace: new PostgresInPlace(database),
      adoption: new PostgresAdoptions(database),
      close: () => (closed ??= database.close().then(parts.end)),
    };
  } catch (error) {
    await opened?.close();
    await parts.end();
    throw error;
  }
}
