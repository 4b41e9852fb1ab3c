import { z } from 'zod';
import { MissingRightError, SchemaOutdatedError, SchemaTooNewError } from '../errors.js';
import { LOCK_MILLISECONDS, UPGRADE_MILLISECONDS } from '../limits.js';
import type { Database } from '../sql/database.js';
import type { Queryable } from '../sql/queryable.js';
import { isRaceOfDefinitions } from '../sql/sql-state.js';
import type { Pgvector } from '../sql/pgvector.js';
import { ensurePgvector, readPgvector } from './pgvector.js';
import { renewCaptures } from './renew-captures.js';
import { SCHEMA_VERSIONS } from './versions.js';

/**
 * Makes the schema `kimera`, or brings it to this program's version; where it is there already, only reads. Any number
 * of processes may do so at once. @throws PgvectorMissingError, PgvectorTooOldError, SchemaTooNewError,
 * SchemaOutdatedError and MissingRightError where this role may not.
 */
export async function ensureSchema(database: Database): Promise<Pgvector> {
  const version = await readVersion(database);
  const present = await readPgvector(database);
  if (version === SCHEMA_VERSIONS.length && present !== undefined) return present;
  try {
    return await database.transaction((sql) => changeSchema(sql), { isPassing: isRaceOfDefinitions });
  } catch (error) {
    if (version > 0 && error instanceof MissingRightError)
      throw new SchemaOutdatedError(version, SCHEMA_VERSIONS.length, { cause: error });
    throw error;
  }
}

async function changeSchema(sql: Queryable): Promise<Pgvector> {
  // One process at a time; the number names this lock among the advisory locks of the database.
  await sql.script(`SET LOCAL lock_timeout = ${UPGRADE_MILLISECONDS}`);
  await sql.run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', ['kimera schema']);
  await sql.script(`SET LOCAL lock_timeout = ${LOCK_MILLISECONDS}`);
  const pgvector = await ensurePgvector(sql);
  await sql.script(
    'CREATE SCHEMA IF NOT EXISTS kimera; CREATE TABLE IF NOT EXISTS kimera.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())',
  );
  const version = await readVersion(sql);
  for (const [i, change] of [...SCHEMA_VERSIONS.entries()].slice(version)) {
    await sql.script(change);
    await sql.run('INSERT INTO kimera.schema_version (version) VALUES ($1)', [i + 1]);
  }
  if (version < SCHEMA_VERSIONS.length) await renewCaptures(sql);
  return pgvector;
}

/** 0 where there is none. The catalogue may be read by every role. @throws SchemaTooNewError. */
async function readVersion(sql: Queryable): Promise<number> {
  const isThere = await sql.run(
    `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'kimera' AND c.relname = 'schema_version'`,
  );
  if (isThere === 0) return 0;
  const row = await sql.row(
    z.object({ version: z.int() }),
    'SELECT coalesce(max(version), 0) AS version FROM kimera.schema_version',
  );
  const version = row?.version ?? 0;
  if (version > SCHEMA_VERSIONS.length) throw new SchemaTooNewError(version, SCHEMA_VERSIONS.length);
  return version;
}
