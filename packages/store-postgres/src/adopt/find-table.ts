import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import { TableNotFoundError } from './errors.js';

const found = z.object({ oid: z.number(), title: z.string() });
const SIMILAR = 5;

/**
 * The relation that a person names: `documents`, `public.documents`, `"Document"`, `Document`. A name is taken as it is
 * written first, then as SQL would read it. Returns its oid. @throws TableNotFoundError.
 */
export async function findTable(sql: Queryable, given: string): Promise<number> {
  const parts = parseName(given);
  for (const names of parts === undefined ? [] : [parts, parts.map((part) => part.toLowerCase())]) {
    const table = names.at(-1) ?? '';
    const schema = names.length > 1 ? names[names.length - 2] : undefined;
    const row = await sql.row(
      found,
      `SELECT c.oid::bigint::float8 AS oid, c.relname AS title FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = $1 AND ${schema === undefined ? 'pg_catalog.pg_table_is_visible(c.oid)' : 'n.nspname = $2'} LIMIT 1`,
      schema === undefined ? [table] : [table, schema],
    );
    if (row !== undefined) return row.oid;
  }
  throw new TableNotFoundError(given, await similarTables(sql, parts?.at(-1) ?? given));
}

/** `a.b`, with parts in double quotes or not; undefined where it is no name. */
function parseName(given: string): readonly string[] | undefined {
  const parts = [...given.matchAll(/"((?:[^"]|"")+)"(?:\.|$)|([^".]+)(?:\.|$)/gy)];
  const length = parts.reduce((sum, [whole]) => sum + whole.length, 0);
  if (length !== given.length || parts.length === 0 || parts.length > 2) return undefined;
  return parts.map(([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? '');
}

/** Tables whose name holds what was asked for, or that lie in another schema. */
async function similarTables(sql: Queryable, name: string): Promise<readonly string[]> {
  const rows = await sql.rows(
    found,
    `SELECT c.oid::bigint::float8 AS oid, n.nspname || '.' || c.relname AS title FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'kimera')
     ORDER BY (lower(c.relname) = lower($1)) DESC, (position(lower($1) in lower(c.relname)) > 0) DESC, title LIMIT $2`,
    [name, SIMILAR],
  );
  return rows.map(({ title }) => title);
}
