import type { ChangeFeed, SourceRow } from '@kimera/core';
import { z } from 'zod';
import { rowColumns, sourceRow } from './source-rows.js';
import { readSource, readSpace, type HeldSpace, type Source } from './source.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';

export class PostgresChanges implements ChangeFeed {
  constructor(private readonly database: Database) {}

  async countPending(name: string, space: string): Promise<number> {
    await readSource(this.database, name);
    return countPending(this.database, await readSpace(this.database, name, space));
  }

  async readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]> {
    const source = await readSource(this.database, name);
    return readPending(this.database, source, await readSpace(this.database, name, space), limit);
  }
}

export async function countPending(sql: Queryable, { pending }: HeldSpace): Promise<number> {
  return (
    (await sql.row(z.object({ count: z.number() }), `SELECT count(*)::float8 AS count FROM ${pending}`))?.count ?? 0
  );
}

/** The oldest first. */
export function readPending(
  sql: Queryable,
  source: Source,
  { pending }: HeldSpace,
  limit: number,
): Promise<readonly SourceRow[]> {
  return sql.rows(
    sourceRow,
    `SELECT ${rowColumns(source)} FROM ${pending} p JOIN ${source.table} d ON d.${source.id} = p.id ORDER BY p.sequence LIMIT $1`,
    [limit],
  );
}
