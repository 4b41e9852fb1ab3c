import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseDatabaseAddress, type AddressSurroundings } from './address/parse-address.js';
import type { ServerAddress } from './address/server-address.js';
import { liveLock } from './lock/folder-lock.js';
import { indexWarning, isOlder, LEAST_PGVECTOR, LEAST_TESTED_PGVECTOR } from './schema/pgvector.js';
import { SCHEMA_VERSIONS } from './schema/versions.js';
import { connect } from './sql/connect.js';
import { connectionFailure } from './sql/connection-failure.js';

/** What a database is, looked at without changing it. */
export type DatabaseInspection =
  | {
      readonly kind: 'server';
      /** `18.6`. */
      readonly version: string;
      /** `installed` in this database, `available` to CREATE EXTENSION, or `absent` from the server. */
      readonly pgvector: {
        readonly state: 'installed' | 'available' | 'absent';
        readonly version: string | null;
        readonly least: string;
        readonly isRecentEnough: boolean;
        /** What is to be known of this version. */
        readonly notes: readonly string[];
      };
      readonly isEncrypted: boolean;
      /** Of the tables of this program; 0 where they are not there yet, null where this role may not read them. */
      readonly schema: number | null;
      readonly knownSchema: number;
    }
  | { readonly kind: 'embedded'; readonly folder: string; readonly state: 'absent' | 'closed' | 'open' };

/** Looking takes no longer than people wait. */
const LOOK_MILLISECONDS = 5_000;
const versionRow = z.object({
  version: z.string(),
  installed: z.string().nullable(),
  available: z.string().nullable(),
  has_schema: z.boolean(),
  may_read: z.boolean(),
});

/**
 * @param database as openStore takes it. @throws DatabaseAddressError, StoreUnavailableError, StoreAccessError,
 * ForeignLockError, DamagedLockError.
 */
export async function inspectDatabase(
  database: string,
  surroundings: AddressSurroundings = {},
): Promise<DatabaseInspection> {
  const address = parseDatabaseAddress(database, surroundings);
  if (address.kind === 'server') return inspectServer(address);
  const { folder } = address;
  if (!existsSync(join(folder, 'database'))) return { kind: 'embedded', folder, state: 'absent' };
  return { kind: 'embedded', folder, state: liveLock(folder) === undefined ? 'closed' : 'open' };
}

async function inspectServer(address: ServerAddress): Promise<DatabaseInspection> {
  const { client, ssl } = await connect(address, LOOK_MILLISECONDS);
  try {
    const { rows } = await client.query(`
      SELECT current_setting('server_version') AS version,
             (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector') AS installed,
             (SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'vector') AS available,
             t.oid IS NOT NULL AS has_schema,
             coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT'), false) AS may_read
      FROM (SELECT) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'kimera' LEFT JOIN pg_catalog.pg_class t ON t.relnamespace = n.oid AND t.relname = 'schema_version'`);
    const { version, installed, available, has_schema: hasSchema, may_read: mayRead } = versionRow.parse(rows[0]);
    const schema = mayRead
      ? z
          .object({ version: z.int() })
          .parse((await client.query('SELECT coalesce(max(version), 0) AS version FROM kimera.schema_version')).rows[0])
          .version
      : hasSchema
        ? null
        : 0;
    const found = installed ?? available;
    return {
      kind: 'server',
      version,
      pgvector: {
        state: installed !== null ? 'installed' : available !== null ? 'available' : 'absent',
        version: found,
        least: LEAST_PGVECTOR,
        isRecentEnough: found !== null && !isOlder(found, LEAST_PGVECTOR),
        notes: found === null ? [] : notesOn(found),
      },
      isEncrypted: ssl !== false,
      schema,
      knownSchema: SCHEMA_VERSIONS.length,
    };
  } catch (cause) {
    throw connectionFailure(cause, address.title);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function notesOn(version: string): readonly string[] {
  const warning = indexWarning(version);
  return [
    ...(isOlder(version, LEAST_TESTED_PGVECTOR) ? [`releases before ${LEAST_TESTED_PGVECTOR} are untested`] : []),
    ...(warning === undefined ? [] : [warning]),
  ];
}
