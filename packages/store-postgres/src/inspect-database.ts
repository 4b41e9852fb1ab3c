import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { liveLock } from './lock/folder-lock.js';
import { isOlder, LEAST_PGVECTOR } from './schema/pgvector.js';
import { SCHEMA_VERSIONS } from './schema/versions.js';
import { connectionFailure } from './sql/connection-failure.js';
import { withoutPassword } from './sql/without-password.js';

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
      };
      /** Of the tables of this program; 0 where they are not there yet. */
      readonly schema: number;
      readonly knownSchema: number;
    }
  | { readonly kind: 'embedded'; readonly folder: string; readonly state: 'absent' | 'closed' | 'open' };

const CONNECT_MILLISECONDS = 5_000;
const versionRow = z.object({
  version: z.string(),
  installed: z.string().nullable(),
  available: z.string().nullable(),
  has_schema: z.boolean(),
});

/** @param database as openStore takes it. @throws StoreUnavailableError, StoreAccessError, ForeignLockError, DamagedLockError. */
export async function inspectDatabase(database: string): Promise<DatabaseInspection> {
  if (/^postgres(ql)?:\/\//.test(database)) return inspectServer(database);
  const folder = resolve(database);
  if (!existsSync(join(folder, 'database'))) return { kind: 'embedded', folder, state: 'absent' };
  return { kind: 'embedded', folder, state: liveLock(folder) === undefined ? 'closed' : 'open' };
}

async function inspectServer(connectionString: string): Promise<DatabaseInspection> {
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      statement_timeout: CONNECT_MILLISECONDS,
      application_name: 'kimera doctor',
    });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query(`
      SELECT current_setting('server_version') AS version,
             (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
             (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
             to_regclass('kimera.schema_version') IS NOT NULL AS has_schema`);
    const { version, installed, available, has_schema: hasSchema } = versionRow.parse(rows[0]);
    const schema = hasSchema
      ? z
          .object({ version: z.int() })
          .parse((await client.query('SELECT coalesce(max(version), 0) AS version FROM kimera.schema_version')).rows[0])
          .version
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
      },
      schema,
      knownSchema: SCHEMA_VERSIONS.length,
    };
  } catch (cause) {
    throw connectionFailure(cause, withoutPassword(connectionString));
  } finally {
    await client?.end().catch(() => undefined);
  }
}
