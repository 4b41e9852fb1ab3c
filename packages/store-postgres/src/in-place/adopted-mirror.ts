import { z } from 'zod';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { setMirror } from './spaces-in-place.js';
import type { ColumnName } from './vector-column.js';

/** What `vector` is cast to for a column of this type, in SQL; pgvector's text is JSON. */
const CASTS: Readonly<Record<string, string>> = {
  _float4: 'real[]',
  _float8: 'real[]::double precision[]',
  json: 'text::json',
  jsonb: 'text::jsonb',
};

/**
 * The keeper writes the application's vector column: from now on every vector of the space that is stored goes there
 * too. Returns false where the column is of a type that it cannot write.
 */
export async function mirrorIntoAdopted(
  sql: Queryable,
  collection: string,
  space: string,
  { schema, table, column }: ColumnName,
): Promise<boolean> {
  const type = await sql.row(
    z.object({ name: z.string(), schema: z.string() }),
    `SELECT t.typname AS name, n.nspname AS schema FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE a.attrelid = $1::regclass AND a.attname = $2 AND NOT a.attisdropped`,
    [quoted(schema, table), column],
  );
  if (type === undefined) return false;
  const cast = ['vector', 'halfvec'].includes(type.name) ? quoted(type.schema, type.name) : CASTS[type.name];
  if (cast === undefined) return false;
  await setMirror(sql, collection, space, column, cast);
  return true;
}
