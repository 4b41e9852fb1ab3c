import type { Reconciliation } from '@kimera/core';
import { z } from 'zod';
import { ROWS_PER_RECONCILED_BATCH } from '../limits.js';
import { createCapture, isWatchUnbroken, unwatchedTables } from '../schema/capture.js';
import { reading, readSource, readSpace, readSpaces, type HeldSpace, type Source } from '../source.js';
import type { Database } from '../sql/database.js';
import type { Queryable } from '../sql/queryable.js';
import { sweep } from '../sweep.js';
import { checkReadable } from './faults.js';

const idRow = z.object({ id: z.string() });
const countRow = z.object({ count: z.number() });

/** @throws UnknownCollectionError, CollectionTableGoneError, CollectionUnreadableError, the signal's reason. */
export async function reconcile(database: Database, name: string, signal?: AbortSignal): Promise<Reconciliation> {
  signal?.throwIfAborted();
  const { source, mark } = await begin(database, name);
  let [queued, removed] = [0, 0];
  for (const { fingerprint } of await readSpaces(database, name)) {
    const inBatches = async (work: BatchWork): Promise<number> => {
      let count = 0;
      let after: string | null = null;
      do {
        const batch: Batch = await database.transaction(async (sql) => {
          signal?.throwIfAborted();
          return work(reading(sql, source), source, await readSpace(sql, name, fingerprint, 'held'), after);
        });
        count += batch.count;
        after = batch.upTo;
      } while (after !== null);
      return count;
    };
    queued += await inBatches(queueBatch);
    removed += await inBatches(removeBatch);
  }
  await database.run('DELETE FROM kimera.collection_faults WHERE sequence = $1::bigint', [mark]);
  return { queued, removed };
}

/**
 * Closes the open faults. The lock waits until the writers that are under way have ended: one of them may have met a
 * fault that was known already, and then it noted nothing. A writer that meets a fault later notes it again. The mark
 * `reconciling` stays until all rows are compared.
 */
function begin(database: Database, name: string): Promise<{ readonly source: Source; readonly mark: string }> {
  return database.transaction(async (sql) => {
    const source = await readSource(sql, name);
    await sql.script(`LOCK TABLE ${source.table} IN SHARE ROW EXCLUSIVE MODE`);
    await checkReadable(sql, source);
    if ((await unwatchedTables(sql, source)).length > 0 || !(await isWatchUnbroken(sql, source)))
      await createCapture(
        sql,
        source,
        (await readSpaces(sql, name)).map(({ fingerprint }) => fingerprint),
      );
    await sql.run('DELETE FROM kimera.collection_faults WHERE collection = $1', [name]);
    const mark = await sql.row(
      z.object({ sequence: z.string() }),
      `INSERT INTO kimera.collection_faults (collection, kind, detail) VALUES ($1, 'reconciling', 'rows and vectors are compared') RETURNING sequence::text`,
      [name],
    );
    return { source, mark: mark?.sequence ?? '0' };
  });
}

interface Batch {
  readonly count: number;
  /** Its last key; null: it was the last. */
  readonly upTo: string | null;
}

/** @param after the key after which the batch begins; null: the first one. */
type BatchWork = (sql: Queryable, source: Source, held: HeldSpace, after: string | null) => Promise<Batch>;

async function queueBatch(sql: Queryable, source: Source, held: HeldSpace, after: string | null): Promise<Batch> {
  const { key, rows, hash } = source;
  const { upTo, where, values } = await bounds(sql, source, `${rows} d`, 'd', after);
  const queued = await sql.row(
    countRow,
    `WITH queued AS (
       INSERT INTO ${held.pending} (${key.list}) SELECT ${key.of('d')} FROM ${rows} d LEFT JOIN ${held.vectors} v ON ${key.equal('v', 'd')}
       WHERE ${where} AND v.content_hash IS DISTINCT FROM ${hash} AND NOT EXISTS (SELECT FROM ${held.pending} p WHERE ${key.equal('p', 'd')}) RETURNING 1
     ) SELECT count(*)::float8 AS count FROM queued`,
    values,
  );
  return { count: queued?.count ?? 0, upTo };
}

async function removeBatch(sql: Queryable, source: Source, held: HeldSpace, after: string | null): Promise<Batch> {
  const { key, rows } = source;
  const { upTo, where, values } = await bounds(sql, source, `${held.vectors} v`, 'v', after);
  const orphans = await sql.rows(
    idRow,
    `SELECT ${key.text('v')} AS id FROM ${held.vectors} v WHERE ${where} AND NOT EXISTS (SELECT FROM ${rows} d WHERE ${key.equal('d', 'v')})`,
    values,
  );
  if (orphans.length === 0) return { count: 0, upTo };
  return {
    count: await sweep(
      sql,
      source,
      held,
      orphans.map(({ id }) => id),
    ),
    upTo,
  };
}

/** The next keys of a relation, {@link ROWS_PER_RECONCILED_BATCH} of them; the last batch is open at its end. */
async function bounds(
  sql: Queryable,
  { key }: Source,
  relation: string,
  alias: string,
  after: string | null,
): Promise<{ readonly upTo: string | null; readonly where: string; readonly values: readonly string[] }> {
  const low = after === null ? [] : [key.beyond(alias, '>', 1)];
  const lowValues = after === null ? [] : key.values(after);
  const last = await sql.row(
    idRow,
    `SELECT ${key.text(alias)} AS id FROM ${relation} ${low.length === 0 ? '' : `WHERE ${low.join('')}`} ORDER BY ${key.of(alias)} OFFSET ${ROWS_PER_RECONCILED_BATCH - 1} LIMIT 1`,
    lowValues,
  );
  const high = last === undefined ? [] : [key.beyond(alias, '<=', 1 + lowValues.length)];
  return {
    upTo: last?.id ?? null,
    where: ['true', ...low, ...high].join(' AND '),
    values: [...lowValues, ...(last === undefined ? [] : key.values(last.id))],
  };
}
