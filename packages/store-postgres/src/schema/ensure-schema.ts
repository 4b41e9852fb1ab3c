import { z } from 'zod';
import type { Database } from '../sql/database.js';
import { ensurePgvector } from './pgvector.js';
import { SchemaTooNewError } from '../errors.js';
import { renewCaptures } from './renew-captures.js';
import { SCHEMA_VERSIONS } from './versions.js';

/**
 * Makes the schema `kimera`, or brings it to this program's version. @throws PgvectorMissingError, PgvectorTooOldError,
 * SchemaTooNewError.
 */
export async function ensureSchema(database: Database): Promise<void> {
  await ensurePgvector(database);
  await database.transaction(async (sql) => {
    // One process at a time; the number names this lock among the advisory locks of the database.
    await sql.run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', ['kimera schema']);
    await sql.script(
      'CREATE SCHEMA IF NOT EXISTS kimera; CREATE TABLE IF NOT EXISTS kimera.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())',
    );
    const version =
      (
        await sql.row(
          z.object({ version: z.int() }),
          'SELECT coalesce(max(version), 0) AS version FROM kimera.schema_version',
        )
      )?.version ?? 0;
    if (version > SCHEMA_VERSIONS.length) throw new SchemaTooNewError(version, SCHEMA_VERSIONS.length);
    for (const [i, change] of [...SCHEMA_VERSIONS.entries()].slice(version)) {
      await sql.script(change);
      await sql.run('INSERT INTO kimera.schema_version (version) VALUES ($1)', [i + 1]);
    }
    if (version < SCHEMA_VERSIONS.length) await renewCaptures(sql);
  });
}
