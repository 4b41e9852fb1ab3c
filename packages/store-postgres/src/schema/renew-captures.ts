import { z } from 'zod';
import { collectionNames, readSource, readSpaces } from '../source.js';
import type { Queryable } from '../sql/queryable.js';
import { createCapture } from './capture.js';

/** Gives all source tables that are there the triggers of this version. */
export async function renewCaptures(sql: Queryable): Promise<void> {
  for (const name of await collectionNames(sql)) {
    const source = await readSource(sql, name);
    const found = await sql.row(z.object({ is_there: z.boolean() }), 'SELECT to_regclass($1) IS NOT NULL AS is_there', [
      source.table,
    ]);
    if (found?.is_there !== true) continue;
    await sql.script(`LOCK TABLE ${source.table} IN SHARE ROW EXCLUSIVE MODE`);
    const spaces = await readSpaces(sql, name);
    await createCapture(
      sql,
      source,
      spaces.map(({ fingerprint }) => fingerprint),
    );
  }
}
