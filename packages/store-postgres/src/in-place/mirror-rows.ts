import { MIRRORED_ROWS } from '../limits.js';
import { readSource, readSpace, type Mirror } from '../source.js';
import type { Database } from '../sql/database.js';
import type { Queryable } from '../sql/queryable.js';
import { mirrorVectors, writeMirror } from './mirror.js';

/**
 * Writes the stored vectors of these rows into the space's column of the source table, a few in each transaction. Returns
 * how many had to be written. @param into another column than the space's own. @throws AbortError.
 */
export async function mirrorRows(
  database: Database,
  collection: string,
  space: string,
  ids: readonly string[],
  signal?: AbortSignal,
  into?: Mirror,
): Promise<number> {
  let written = 0;
  for (let start = 0; start < ids.length; start += MIRRORED_ROWS) {
    signal?.throwIfAborted();
    const slice = ids.slice(start, start + MIRRORED_ROWS);
    written += await database.transaction((sql) => mirrorSlice(sql, collection, space, slice, into));
  }
  return written;
}

/** Locked first: what is read afterwards is what whoever wrote the row last left there. */
async function mirrorSlice(
  sql: Queryable,
  collection: string,
  space: string,
  ids: readonly string[],
  into: Mirror | undefined,
): Promise<number> {
  const source = await readSource(sql, collection);
  const held = await readSpace(sql, collection, space, 'held');
  const { key, table } = source;
  await sql.run(
    `SELECT FROM (SELECT ${key.selected} FROM ${table}) d JOIN ${key.table('asked', 1)} ON ${key.equal('asked', 'd')} ORDER BY ${key.of('d')} FOR NO KEY UPDATE OF d`,
    key.arrays(ids),
  );
  return into === undefined ? mirrorVectors(sql, source, held, ids) : writeMirror(sql, source, held, into, ids);
}
