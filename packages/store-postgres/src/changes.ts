import type { Backlog, ChangeClaim, ChangeFeed, PoisonRow, SourceRow } from '@kimera/core';
import { z } from 'zod';
import { LOG_PAGE } from './limits.js';
import { setRowsAside } from './poison.js';
import { readRowsOf } from './source-rows.js';
import { reading, readSource, readSpace, type HeldSpace, type Source } from './source.js';
import type { Database } from './sql/database.js';
import type { Queryable } from './sql/queryable.js';
import { sweep } from './sweep.js';

export class PostgresChanges implements ChangeFeed {
  constructor(private readonly database: Database) {}

  async countPending(name: string, space: string): Promise<number> {
    const source = await readSource(this.database, name);
    return countPending(this.database, source, await readSpace(this.database, name, space));
  }

  async backlog(name: string, space: string): Promise<Backlog> {
    const { key, rows } = await readSource(this.database, name);
    const { pending } = await readSpace(this.database, name, space);
    const row = await this.database.row(
      backlogRow,
      `SELECT count(*)::float8 AS pending, coalesce(extract(epoch FROM clock_timestamp() - min(p.at)), 0)::float8 AS seconds
       FROM (SELECT ${key.list}, min(at) AS at FROM ${pending} GROUP BY ${key.list}) p JOIN ${rows} d ON ${key.equal('d', 'p')}`,
    );
    return { pending: row?.pending ?? 0, oldestSeconds: Math.max(0, row?.seconds ?? 0) };
  }

  async readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]> {
    return this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      return readPending(sql, source, await readSpace(sql, name, space, 'held'), limit);
    });
  }

  async claimPending(
    name: string,
    space: string,
    { limit, leaseSeconds, of }: ChangeClaim,
  ): Promise<readonly SourceRow[]> {
    return this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      if (of === 'active rows' && source.tenantColumn === null && space !== source.activeSpace) return [];
      const held = await readSpace(sql, name, space, 'held');
      // Most often there is nothing: then nothing is locked and nothing written.
      if ((await sql.run(`SELECT FROM ${held.pending} LIMIT 1`)) === 0) return [];
      // One at a time, for the milliseconds of this transaction: the next one sees these claims.
      await sql.run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`kimera claims ${name} ${space}`]);
      const rows = await readPending(
        sql,
        source,
        held,
        limit,
        ({ claimed, active }) => !claimed && (active || of === 'all rows'),
      );
      if (rows.length === 0) return rows;
      await sql.run(
        `INSERT INTO kimera.claims AS c (collection, space, id, until)
         SELECT $1, $2, id, clock_timestamp() + make_interval(secs => $3) FROM unnest($4::text[]) AS taken (id) ORDER BY id
         ON CONFLICT (collection, space, id) DO UPDATE SET until = excluded.until`,
        [name, space, leaseSeconds, rows.map(({ id }) => id)],
      );
      return rows;
    });
  }

  async releasePending(name: string, space: string, ids: readonly string[]): Promise<void> {
    await this.database.transaction((sql) =>
      sql.run(
        // Those of workers that died go too; in one order, so that two of these cannot lock each other out.
        `DELETE FROM kimera.claims WHERE ctid = ANY (ARRAY (
           SELECT ctid FROM kimera.claims WHERE collection = $1 AND space = $2 AND (id = ANY ($3::text[]) OR until < clock_timestamp()) ORDER BY id FOR UPDATE))`,
        [name, space, ids],
      ),
    );
  }

  async setAside(name: string, space: string, rows: readonly PoisonRow[]): Promise<void> {
    await this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      await setRowsAside(sql, source, await readSpace(sql, name, space, 'held'), rows);
    });
  }

  async rowsSetAside(name: string, space: string): Promise<readonly PoisonRow[]> {
    return this.database.transaction(async (sql) => {
      const source = await readSource(sql, name);
      await readSpace(sql, name, space);
      const noted = await sql.rows(
        asideRow,
        `SELECT id, encode(content_hash, 'hex') AS "contentHash", reason FROM kimera.rows_set_aside WHERE collection = $1 AND space = $2 ORDER BY id`,
        [name, space],
      );
      const present = await readRowsOf(
        sql,
        source,
        noted.map(({ id }) => id),
      );
      const hashes = new Map(present.map(({ id, contentHash }) => [id, contentHash]));
      return noted.filter(({ id, contentHash }) => hashes.get(id) === contentHash);
    });
  }
}

const countRow = z.object({ count: z.number() });
const backlogRow = z.object({ pending: z.number(), seconds: z.number() });
const asideRow = z.object({ id: z.string(), contentHash: z.string(), reason: z.string() });
/**
 * A key of the log, with its row where it is there. `claimed`: a worker has it at hand; `active`: the row's searches use
 * the space; `last`, `entries`: of the whole page.
 */
const entryRow = z
  .object({
    id: z.string(),
    text: z.string().nullable(),
    hash: z.string().nullable(),
    claimed: z.boolean(),
    active: z.boolean(),
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
  return (await reading(sql, source).row(countRow, `SELECT (${pendingCount(source, pending)}) AS count`))?.count ?? 0;
}

/**
 * The oldest first, of those that are wanted. Rows that are gone are met on the way: their vectors go, and their entries
 * in the log.
 */
export async function readPending(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  limit: number,
  wanted: (entry: Pick<z.infer<typeof entryRow>, 'claimed' | 'active'>) => boolean = () => true,
): Promise<readonly SourceRow[]> {
  const found = new Map<string, SourceRow>();
  const gone = new Set<string>();
  const page = Math.max(limit, LOG_PAGE);
  for (let last = '0', entries = page; entries === page && found.size < limit;) {
    const read = await readLog(sql, source, held, last, page);
    for (const { id, row, ...entry } of read) {
      if (row === null) gone.add(id);
      else if (wanted(entry)) found.set(id, row);
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
  { pending, space }: HeldSpace,
  after: string,
  entries: number,
): Promise<readonly z.infer<typeof entryRow>[]> {
  const { key, rows, hash, name, activeSpace, tenantColumn } = source;
  const ownPointer =
    tenantColumn === null
      ? 'NULL'
      : '(SELECT o.space FROM kimera.pointers o WHERE o.collection = $3 AND o.tenant = d.tenant)';
  return reading(sql, source).rows(
    entryRow,
    `WITH page AS MATERIALIZED (SELECT ${key.list}, sequence FROM ${pending} WHERE sequence > $1::bigint ORDER BY sequence LIMIT $2)
     SELECT ${key.text('p')} AS id, d.text, encode(${hash}, 'hex') AS hash, (SELECT max(sequence)::text FROM page) AS last, (SELECT count(*)::integer FROM page) AS entries,
            EXISTS (SELECT FROM kimera.claims c WHERE c.collection = $3 AND c.space = $4 AND c.id = ${key.text('p')} AND c.until > clock_timestamp()) AS claimed,
            coalesce(${ownPointer}, $5::text) = $4 AS active
     FROM (SELECT ${key.list}, min(sequence) AS sequence FROM page GROUP BY ${key.list}) p LEFT JOIN ${rows} d ON ${key.equal('d', 'p')} ORDER BY p.sequence`,
    [after, entries, name, space.fingerprint, activeSpace],
  );
}
