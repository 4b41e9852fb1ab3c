import { CollectionUnreadableError, type CollectionFault } from '@kimera/core';
import { z } from 'zod';
import { isWatchUnbroken, unwatchedTables } from '../schema/capture.js';
import { findSource, reading, readSpace, type Source } from '../source.js';
import type { Queryable } from '../sql/queryable.js';

const notedRow = z
  .object({ kind: z.enum(['capture', 'truncated', 'reconciling']), at: z.date(), detail: z.string() })
  .transform(({ kind, at, detail }): CollectionFault => ({ kind, at: at.toISOString(), detail }));

/** What was noted, the oldest of each kind, and what is to be seen. @throws UnknownCollectionError. */
export async function readFaults(sql: Queryable, name: string): Promise<readonly CollectionFault[]> {
  const { source, isThere } = await findSource(sql, name);
  const noted = await notedFaults(sql, name);
  if (!isThere) return [{ kind: 'table-gone', at: null, detail: `${source.title} is not there` }, ...noted];
  return [...(await unreadable(sql, source)), ...(await unwatched(sql, source)), ...noted];
}

export function notedFaults(sql: Queryable, name: string): Promise<readonly CollectionFault[]> {
  return sql.rows(
    notedRow,
    'SELECT DISTINCT ON (kind) kind, at, detail FROM kimera.collection_faults WHERE collection = $1 ORDER BY kind, sequence',
    [name],
  );
}

/** @throws CollectionUnreadableError where the table does not fit what is recorded of it. */
export async function checkReadable(sql: Queryable, source: Source): Promise<void> {
  const { vectors } = await readSpace(sql, source.name, source.activeSpace);
  const { key, rows, hash } = source;
  const [changed] = [...(await changedKeyColumns(sql, source)), ...(await misreadRows(sql, source))];
  if (changed !== undefined) throw new CollectionUnreadableError(source.name, source.title, changed);
  await reading(sql, source).run(
    `SELECT ${key.text('d')}, ${hash} FROM ${rows} d JOIN ${vectors} v ON ${key.equal('v', 'd')} LIMIT 0`,
  );
}

/** For people. A wider type would be read, and its new values could not be stored. */
async function changedKeyColumns(sql: Queryable, { table, key }: Source): Promise<readonly string[]> {
  const rows = await sql.rows(
    z.object({ name: z.string(), was: z.string(), is: z.string() }),
    `SELECT a.attname AS name, c.type AS was, format_type(t.oid, NULL) AS is FROM unnest($2::text[], $3::text[]) AS c (name, type)
     JOIN pg_attribute a ON a.attrelid = $1::regclass AND a.attname = c.name AND NOT a.attisdropped
     JOIN pg_type d ON d.oid = a.atttypid JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
     WHERE t.oid <> c.type::regtype AND NOT (t.typcategory = 'S' AND c.type IN ('text', 'varchar'))`,
    [table, key.columns.map(({ name }) => name), key.columns.map(({ type }) => type)],
  );
  return rows.map(({ name, was, is }) => `column ${name} is ${is}, it was ${was}`);
}

/** For people. Rows that are not seen would be taken for deleted, and rows of other tables for its own. */
async function misreadRows(sql: Queryable, { table, title }: Source): Promise<readonly string[]> {
  const row = await sql.row(
    z.object({ hidden: z.boolean(), role: z.string(), children: z.array(z.string()) }),
    `SELECT row_security_active($1::regclass) AS hidden, current_user::text AS role,
            ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent WHERE i.inhparent = $1::regclass AND c.relkind = 'r' ORDER BY 1) AS children`,
    [table],
  );
  return [
    ...(row?.hidden === true ? [`row-level security hides rows of ${title} from role ${row.role}`] : []),
    ...(row?.children ?? []).map(
      (child) => `${child} inherits from ${title}: its rows are read with it, and not watched`,
    ),
  ];
}

async function unreadable(sql: Queryable, source: Source): Promise<readonly CollectionFault[]> {
  try {
    await checkReadable(sql, source);
    return [];
  } catch (error) {
    if (!(error instanceof CollectionUnreadableError)) throw error;
    return [{ kind: 'unreadable', at: null, detail: error.reason }];
  }
}

async function unwatched(sql: Queryable, source: Source): Promise<readonly CollectionFault[]> {
  const tables = await unwatchedTables(sql, source);
  if (tables.length > 0)
    return [{ kind: 'unwatched', at: null, detail: `${tables.join(', ')}: a trigger is missing or switched off` }];
  if (await isWatchUnbroken(sql, source)) return [];
  return [
    {
      kind: 'unwatched',
      at: null,
      detail: `${source.title}: a trigger was switched off for a while, or a partition is gone`,
    },
  ];
}
