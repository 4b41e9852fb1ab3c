import { z } from 'zod';
import { UnknownColumnError } from '../adopt/errors.js';
import type { Mirror } from '../source.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { setMirror } from './spaces-in-place.js';
import type { ColumnName } from './vector-column.js';

/**
 * The keeper writes the application's vector column: from now on every vector of the space that is stored goes there
 * too. The column is one of those that `checkAdoption` lets the keeper write: vector, halfvec or real[].
 */
export async function mirrorIntoAdopted(
  sql: Queryable,
  collection: string,
  space: string,
  column: ColumnName,
): Promise<void> {
  await setMirror(sql, collection, space, column.column, (await readAdoptedMirror(sql, column)).type);
}

/** The application's column as vectors are written into it. @throws UnknownColumnError. */
export async function readAdoptedMirror(sql: Queryable, { schema, table, column }: ColumnName): Promise<Mirror> {
  const type = await sql.row(
    z.object({ name: z.string(), schema: z.string() }),
    `SELECT t.typname AS name, n.nspname AS schema FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE a.attrelid = $1::regclass AND a.attname = $2 AND NOT a.attisdropped`,
    [quoted(schema, table), column],
  );
  if (type === undefined) throw new UnknownColumnError(`${schema}.${table}`, '--vector', column, []);
  return { column: quoted(column), type: type.name === '_float4' ? 'real[]' : quoted(type.schema, type.name) };
}
