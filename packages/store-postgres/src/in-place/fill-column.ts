import type { PrepareOptions } from '@kimera/core';
import { z } from 'zod';
import { FILLED_ROWS } from '../limits.js';
import { readSource, readSpace, rowsOf, type Mirror } from '../source.js';
import type { Database } from '../sql/database.js';
import { mirrorRows } from './mirror-rows.js';

const batchRow = z.object({ id: z.string(), differs: z.boolean() });

export interface FillOptions extends PrepareOptions {
  /** A column that is not the space's yet; default its own. */
  readonly into?: Mirror;
  /** Of a row whose text has changed since, the column may have the better value. Default `all`. */
  readonly which?: 'all' | 'of present texts';
}

/**
 * One pass over the table: rows whose column is not the stored vector get it. What is written while it goes on is the
 * writers' own care. Returns how many rows were written. @throws AbortError.
 */
export async function fillColumn(
  database: Database,
  collection: string,
  space: string,
  { signal, onProgress, into, which = 'all' }: FillOptions,
): Promise<number> {
  const source = await readSource(database, collection);
  const { key, table } = source;
  const { vectors, mirror: own } = await readSpace(database, collection, space);
  const mirror = into ?? own;
  if (mirror === null) return 0;
  const estimate = await database.row(
    z.object({ rows: z.number() }),
    'SELECT greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = $1::regclass',
    [table],
  );
  const [rowsOfTable, isWanted] =
    which === 'all'
      ? [`(SELECT ${key.selected}, ${mirror.column} AS value FROM ${table})`, 'v.embedding IS NOT NULL']
      : [rowsOf(source, table, `, ${mirror.column} AS value`), `v.content_hash = ${source.hash}`];
  let [after, seen, filled]: [string | undefined, number, number] = [undefined, 0, 0];
  for (;;) {
    signal?.throwIfAborted();
    const rows: readonly z.infer<typeof batchRow>[] = await database.rows(
      batchRow,
      `SELECT ${key.text('d')} AS id, coalesce(${isWanted}, false) AND NOT record_image_eq(ROW(d.value), ROW(v.embedding::${mirror.type})) AS differs
       FROM ${rowsOfTable} d LEFT JOIN ${vectors} v ON ${key.equal('v', 'd')}
       ${after === undefined ? '' : `WHERE ${key.beyond('d', '>', 1)}`} ORDER BY ${key.of('d')} LIMIT ${FILLED_ROWS}`,
      after === undefined ? [] : key.values(after),
    );
    const differing = rows.filter(({ differs }) => differs).map(({ id }) => id);
    filled += await mirrorRows(database, collection, space, differing, signal, into);
    seen += rows.length;
    onProgress?.({
      step: 'rows',
      name: mirror.column,
      phase: 'comparing',
      done: seen,
      total: Math.max(seen, estimate?.rows ?? 0),
    });
    after = rows.at(-1)?.id;
    if (rows.length < FILLED_ROWS) return filled;
  }
}
