import { setTimeout as delay } from 'node:timers/promises';
import type { PrepareOptions } from '@kimera/core';
import { z } from 'zod';
import { InPlaceIndexError } from '../errors.js';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { inCatalogPath } from './catalog-path.js';
import type { SwapNames } from './column-swap.js';
import { readIndexes, type ColumnIndex } from './indexes.js';
import { readVectorColumn } from './vector-column.js';

/** Between two looks at an index build. */
const PROGRESS_MILLISECONDS = 500;
/** Between two attempts to end one: the statement may not have reached the server yet. */
const CANCEL_AGAIN_MILLISECONDS = 50;
/** Times that an index is dropped which was not built to its end: with the waits below a second, since a signal ends all within two. */
const DROP_ATTEMPTS = 3;

const progressRow = z.object({ pid: z.number(), phase: z.string(), done: z.number(), total: z.number() });

/**
 * Builds the indexes that the application's column has and the spare one lacks, without holding up reads or writes. One
 * that a build left behind half done is dropped and built again. @throws InPlaceIndexError, AbortError.
 */
export async function buildIndexes(
  database: Database,
  names: SwapNames,
  options: PrepareOptions,
): Promise<{ readonly built: readonly string[]; readonly seconds: number }> {
  const started = performance.now();
  const built: string[] = [];
  const { wanted, present } = await database.transaction((sql) => compare(sql, names));
  for (const { schema, name, valid } of present)
    if (!valid) await database.unlimited(`DROP INDEX CONCURRENTLY IF EXISTS ${quoted(schema, name)}`);
  const free = present.filter(({ valid }) => valid);
  for (const index of wanted) {
    options.signal?.throwIfAborted();
    const place = free.findIndex(({ shape }) => shape === index.shape);
    if (place !== -1) {
      free.splice(place, 1);
      continue;
    }
    const name = `kimera_index_${index.oid}`;
    await watched(database, name, index, options, () =>
      database.unlimited(`CREATE INDEX CONCURRENTLY ${quoted(name)} ${index.shape}`),
    );
    built.push(index.name);
  }
  const after = await database.transaction((sql) => compare(sql, names));
  const unbuilt = after.wanted.filter(({ shape }) => !after.present.some((each) => each.valid && each.shape === shape));
  if (unbuilt.length > 0) throw new InPlaceIndexError(unbuilt.map(({ schema, name }) => `${schema}.${name}`));
  return { built, seconds: (performance.now() - started) / 1000 };
}

/**
 * What the indexes of the application's column are called on the spare one, by PostgreSQL itself: the names are
 * exchanged, read, and exchanged back. @returns `wanted` with the names that the application knows.
 */
async function compare(
  sql: Queryable,
  { column, spare }: SwapNames,
): Promise<{ readonly wanted: readonly ColumnIndex[]; readonly present: readonly ColumnIndex[] }> {
  return inCatalogPath(sql, async () => {
    const table = quoted(column.schema, column.table);
    await sql.script(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const [user, other] = [
      await readVectorColumn(sql, column),
      await readVectorColumn(sql, { ...column, column: spare }),
    ];
    if (user === undefined || other === undefined) throw new InPlaceIndexError([`${column.column} of ${table}`]);
    const present = await readIndexes(sql, other);
    await sql.script('SAVEPOINT names');
    const rename = (from: string, to: string): Promise<void> =>
      sql.script(`ALTER TABLE ${table} RENAME COLUMN ${quoted(from)} TO ${quoted(to)}`);
    await rename(spare, 'kimera_between');
    await rename(column.column, spare);
    const wanted = await readIndexes(sql, user);
    await sql.script('ROLLBACK TO SAVEPOINT names');
    return { wanted, present };
  });
}

/** What a build that was ended leaves behind costs every write. Where it is in use just now, the next build drops it. */
async function dropUnbuilt(database: Database, index: string): Promise<void> {
  await database
    .transaction((sql) => sql.script(`DROP INDEX IF EXISTS ${index}`), { attempts: DROP_ATTEMPTS })
    .catch(() => undefined);
}

/** Runs a build, tells how far it is, and ends it where the signal says so. */
async function watched(
  database: Database,
  name: string,
  index: ColumnIndex,
  { signal, onProgress }: PrepareOptions,
  build: () => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    for (;;) {
      if (signal?.aborted === true) await delay(CANCEL_AGAIN_MILLISECONDS);
      else
        await delay(PROGRESS_MILLISECONDS, undefined, {
          signal: AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]),
        }).catch(() => undefined);
      if (ended.signal.aborted) return;
      const found = await database.row(
        progressRow,
        `SELECT p.pid, p.phase, greatest(p.tuples_done, p.blocks_done)::float8 AS done, greatest(p.tuples_total, p.blocks_total)::float8 AS total
         FROM pg_stat_progress_create_index p JOIN pg_stat_activity a ON a.pid = p.pid WHERE position($1 IN a.query) > 0`,
        [name],
      );
      if (found === undefined) continue;
      if (signal?.aborted === true) await database.run('SELECT pg_cancel_backend($1)', [found.pid]);
      onProgress?.({ step: 'index', name: index.name, phase: found.phase, done: found.done, total: found.total });
    }
  };
  const looking = look();
  try {
    await build();
  } catch (error) {
    await dropUnbuilt(database, quoted(index.schema, name));
    signal?.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
    await looking;
  }
}
