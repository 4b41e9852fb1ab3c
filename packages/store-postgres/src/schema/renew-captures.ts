import { collectionNames, findSource, readSpaces } from '../source.js';
import type { Queryable } from '../sql/queryable.js';
import { createCapture } from './capture.js';

/** Gives all source tables that are there the triggers of this version. */
export async function renewCaptures(sql: Queryable): Promise<void> {
  for (const name of await collectionNames(sql)) {
    const { source, isThere } = await findSource(sql, name);
    if (!isThere) continue;
    await sql.script(`LOCK TABLE ${source.table} IN SHARE ROW EXCLUSIVE MODE`);
    const spaces = await readSpaces(sql, name);
    await createCapture(
      sql,
      source,
      spaces.map(({ fingerprint }) => fingerprint),
    );
  }
}
