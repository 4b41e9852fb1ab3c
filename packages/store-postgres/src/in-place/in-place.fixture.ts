import { z } from 'zod';
import { openStore } from '../open-store.js';
import type { Database } from '../sql/database.js';
import { COLUMN_OPTIONS } from './column-settings.js';
import { embeddedConnection, TemporaryFolders } from '../store.fixture.js';
import { openDatabase, TEST_SERVER } from '../test-databases.fixture.js';

interface OpenDatabase {
  readonly database: Database;
  readonly url: string;
  /** Of the embedded database. */
  readonly folder?: string;
  readonly close: () => Promise<void>;
}

const server = TEST_SERVER;
/** What the specs run on, by name: a server where there is one, else PGlite; with the extension and the schema `kimera`. */
export const DATABASES: readonly (readonly [string, () => Promise<OpenDatabase>])[] = [
  server === undefined ? ['PGlite', openEmbedded] : ['a server', () => openServer(server)],
];

async function openServer(url: string): Promise<OpenDatabase> {
  const database = await openDatabase(url, 4);
  return { database, url, close: () => database.close() };
}

async function openEmbedded(): Promise<OpenDatabase> {
  const folders = new TemporaryFolders();
  const folder = await folders.withDatabase();
  const store = await openStore({ database: folder });
  const url = embeddedConnection(folder);
  const database = await openDatabase(url, 2);
  return {
    database,
    url,
    folder,
    async close() {
      await database.close();
      await store.close();
      await folders.remove();
    },
  };
}

/**
 * Everything that a dump of a schema shows of its tables and views, a line each; positions of columns too.
 * @param positions `by name`: columns are compared by their names alone.
 */
export async function schemaLines(
  database: Database,
  schema: string,
  positions: 'in order' | 'by name' = 'in order',
): Promise<readonly string[]> {
  const acl = (list: string, kind: string, owner: string): string =>
    `(SELECT string_agg(format('%s %s %s', coalesce(pg_get_userbyid(nullif(x.grantee, 0)), 'PUBLIC'), x.privilege_type, x.is_grantable), ',' ORDER BY x.ordinality) FROM aclexplode(coalesce(${list}, acldefault('${kind}', ${owner}))) WITH ORDINALITY x)`;
  const rows = await database.rows(
    z.object({ line: z.string() }),
    `SELECT line FROM (
       SELECT concat_ws(' | ', 'relation', c.relname, c.relkind, pg_get_userbyid(c.relowner), c.reloptions, ${acl('c.relacl', 'r', 'c.relowner')}, obj_description(c.oid, 'pg_class'), CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END) AS line
       FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'v', 'm')
       UNION ALL
       SELECT concat_ws(' | ', 'column', c.relname, lpad(CASE WHEN $2 THEN (SELECT count(*) FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attnum BETWEEN 1 AND a.attnum AND NOT b.attisdropped) ELSE 0 END::text, 3), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage, a.attcompression, coalesce(a.attstattarget, -1), ${COLUMN_OPTIONS}, ${acl('a.attacl', 'c', 'c.relowner')}, col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid))
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'v', 'm')
       UNION ALL
       SELECT concat_ws(' | ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, obj_description(i.indexrelid, 'pg_class')) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = $1::regnamespace
       UNION ALL
       SELECT concat_ws(' | ', 'constraint', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k WHERE k.connamespace = $1::regnamespace
       UNION ALL
       SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal
     ) lines ORDER BY line COLLATE "C"`,
    [schema, positions === 'in order'],
  );
  return rows.map(({ line }) => line);
}
