import { z } from 'zod';
import { clearMirror } from './in-place/mirror.js';
import { reading, type HeldSpace, type Source } from './source.js';
import type { Queryable } from './sql/queryable.js';

/**
 * Removes what is left of rows that are gone, for a transaction; a row that is there again keeps everything. The
 * vectors are locked first: nobody can write one between the look at the rows and its removal. The log comes before the
 * vectors: what happens in between is a new entry. Returns how many vectors there were.
 */
export async function sweep(sql: Queryable, source: Source, space: HeldSpace, ids: readonly string[]): Promise<number> {
  const { key, rows } = source;
  const { vectors, pending } = space;
  const held = await sql.rows(
    z.object({ id: z.string() }),
    `SELECT ${key.text('v')} AS id FROM ${vectors} v JOIN ${key.table('gone', 1)} ON ${key.equal('gone', 'v')} ORDER BY ${key.of('v')} FOR UPDATE OF v`,
    key.arrays(ids),
  );
  const remove = (table: string, which: readonly string[]): Promise<number> =>
    reading(sql, source).run(
      `DELETE FROM ${table} t USING ${key.table('gone', 1)} WHERE ${key.equal('gone', 't')} AND NOT EXISTS (SELECT FROM ${rows} d WHERE ${key.equal('d', 't')})`,
      key.arrays(which),
    );
  await remove(pending, ids);
  await clearMirror(sql, source, space, ids);
  return remove(
    vectors,
    held.map(({ id }) => id),
  );
}
