import { markOwnWrites } from '../adopt/observed-writes.js';
import { readSpace, type HeldSpace, type Mirror, type Source } from '../source.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';

/**
 * Writes the stored vectors of these rows into the space's column of the source table, where it has one; a row that has
 * them already, byte by byte, is not touched. The rows are locked. Returns how many were written.
 */
export async function mirrorVectors(
  sql: Queryable,
  source: Pick<Source, 'name' | 'key' | 'table'>,
  held: HeldSpace,
  ids: readonly string[],
): Promise<number> {
  const mirror = ids.length === 0 ? null : await heldMirror(sql, source, held);
  return mirror === null ? 0 : writeMirror(sql, source, held, mirror, ids);
}

/** The same with a column that is not the space's yet. */
export async function writeMirror(
  sql: Queryable,
  { key, table }: Pick<Source, 'key' | 'table'>,
  { vectors }: HeldSpace,
  mirror: Mirror,
  ids: readonly string[],
): Promise<number> {
  await markOwnWrites(sql);
  return sql.run(
    `UPDATE ${table} d SET ${mirror.column} = m.value
     FROM (SELECT ${key.of('v')}, v.embedding::${mirror.type} AS value FROM ${vectors} v JOIN ${key.table('asked', 1)} ON ${key.equal('asked', 'v')}) m
     WHERE ${sourceKey(key, 'd', 'm')} AND NOT record_image_eq(ROW(d.${mirror.column}), ROW(m.value))`,
    key.arrays(ids),
  );
}

/** Rows that are there without a text have no vector any more. */
export async function clearMirror(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  ids: readonly string[],
): Promise<void> {
  const mirror = await heldMirror(sql, source, held);
  if (mirror === null) return;
  const { key, table, textExpression } = source;
  await markOwnWrites(sql);
  await sql.run(
    `UPDATE ${table} d SET ${mirror.column} = NULL FROM ${key.table('gone', 1)}
     WHERE ${sourceKey(key, 'd', 'gone')} AND d.${mirror.column} IS NOT NULL
       AND (SELECT (${textExpression}) IS NULL FROM (SELECT d.*) AS "row")`,
    key.arrays(ids),
  );
}

/** The column as it is called while this transaction lasts: a swap that was under way has ended. */
async function heldMirror(
  sql: Queryable,
  { name, table }: Pick<Source, 'name' | 'table'>,
  { mirror, space }: HeldSpace,
): Promise<Mirror | null> {
  if (mirror === null) return null;
  await sql.script(`LOCK TABLE ${table} IN ROW EXCLUSIVE MODE`);
  return (await readSpace(sql, name, space.fingerprint)).mirror;
}

/** A condition: the row of the source table `d` has the key that `other` has under our names. */
function sourceKey(key: Source['key'], d: string, other: string): string {
  return key.columns.map(({ name }, i) => `${d}.${quoted(name)} = ${other}.${key.names[i]}`).join(' AND ');
}
