import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';

/**
 * Definitions that PostgreSQL prints name the schema of everything that the search path does not find: with this path of
 * all that is not its own. To be called in a transaction, of which the rest has its path again.
 */
export async function inCatalogPath<T>(sql: Queryable, work: () => Promise<T>): Promise<T> {
  const before = await sql.row(
    z.object({ path: z.string() }),
    `SELECT current_setting('search_path') AS path, set_config('search_path', 'pg_catalog', true) IS NULL AS unused`,
  );
  const result = await work();
  await sql.rows(z.unknown(), `SELECT set_config('search_path', $1, true)`, [before?.path ?? '']);
  return result;
}
