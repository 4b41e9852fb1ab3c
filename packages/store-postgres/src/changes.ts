import type { ChangeFeed, SourceRow } from '@kimera/core';
import { z } from 'zod';
import { LOG_PAGE } from './limits.js';
import { readSource, readSpace, type HeldSpace, type Source } from './source.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';
import { sweep } from './sweep.js';

export class PostgresChanges implements ChangeFeed {
  constructor(private readonly database: Database) {}

  async countPending(name: string, space: string): Promise<number> {
    const source = await readSource(this.database, name);
    return countPending(this.database, source, await readSpace(this.database, name, space));
  }

  async readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]> {
    return this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      return readPending(sql, source, await readSpace(sql, name, space, 'held'), limit);
    });
  }
}

const countRow = z.object({ count: z.number() });
/** A key of the log, with its row where it is there. `last`, `entries`: of the whole page. */
const entryRow = z
  .object({
    id: z.string(),
    text: z.string().nullable(),
    hash: z.string().nullable(),
    last: z.string(),
    entries: z.number(),
  })
  .transform(({ id, text, hash, ...page }) => ({
    ...page,
    id,
    row: text === null || hash === null ? null : { id, text, contentHash: hash },
  }));

/** SQL: rows that are in the log; those that are gone do not wait for anything. */
export function pendingCount({ key, rows }: Source, pending: string): string {
  return `SELECT count(*)::float8 FROM (SELECT DISTINCT ${key.list} FROM ${pending}) p JOIN ${rows} d ON ${key.equal('d', 'p')}`;
}

export async function countPending(sql: Queryable, source: Source, { pending }: HeldSpace): Promise<number> {
  return (await sql.row(countRow, `SELECT (${pendingCount(source, pending)}) AS count`))?.count ?? 0;
}

/**
 * The oldest first. Rows that are gone are met on the way: their vectors go, and their entries in the log.
 */
export async function readPending(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  limit: number,
): Promise<readonly SourceRow[]> {
  const found = new Map<string, SourceRow>();
  const gone = new Set<string>();
  const page = Math.max(limit, LOG_PAGE);
  for (let last = '0', entries = page; entries === page && found.size < limit;) {
    const read = await readLog(sql, source, held, last, page);
    for (const { id, row } of read) {
      if (row === null) gone.add(id);
      else found.set(id, row);
    }
    entries = read[0]?.entries ?? 0;
    last = read[0]?.last ?? last;
  }
  if (gone.size > 0) await sweep(sql, source, held, [...gone]);
  return [...found.values()].slice(0, limit);
}

/** The next entries after one, each key once. */
function readLog(
  sql: Queryable,
  source: Source,
  { pending }: HeldSpace,
  after: string,
  entries: number,
): Promise<readonly z.infer<typeof entryRow>[]> {
  const { key, rows, hash } = source;
  return sql.rows(
    entryRow,
    `WITH page AS MATERIALIZED (SELECT ${key.list}, sequence FROM ${pending} WHERE sequence > $1::bigint ORDER BY sequence LIMIT $2)
     SELECT ${key.text('p')} AS id, d.text, encode(${hash}, 'hex') AS hash, (SELECT max(sequence)::text FROM page) AS last, (SELECT count(*)::integer FROM page) AS entries
     FROM (SELECT ${key.list}, min(sequence) AS sequence FROM page GROUP BY ${key.list}) p LEFT JOIN ${rows} d ON ${key.equal('d', 'p')} ORDER BY p.sequence`,
    [after, entries],
  );
}
