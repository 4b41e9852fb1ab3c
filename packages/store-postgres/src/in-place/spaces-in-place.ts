import { InPlaceColumnError, shortFingerprint, UnknownCollectionError, type Migration } from '@kimera/core';
import { z } from 'zod';
import { collectionNames } from '../source.js';
import type { Queryable } from '../sql/queryable.js';
import type { SwapNames } from './column-swap.js';
import { readVectorColumn, type ColumnName, type VectorColumn } from './vector-column.js';

const OF_OURS = /^kimera_(new|old)_/;

/**
 * The column of the application's vectors. @param locking `held`: nobody else becomes its writer until the transaction
 * ends. @throws InPlaceColumnError, UnknownCollectionError.
 */
export async function readApplicationColumn(
  sql: Queryable,
  collection: string,
  locking: 'free' | 'held' = 'free',
): Promise<VectorColumn> {
  const row = await sql.row(
    z.object({
      schema: z.string(),
      table: z.string(),
      column: z.string().nullable(),
      writer: z.string().nullable(),
    }),
    `SELECT source_schema AS schema, source_table AS table, vector_column AS column, vector_writer AS writer FROM kimera.collections WHERE name = $1 ${locking === 'held' ? 'FOR SHARE' : ''}`,
    [collection],
  );
  if (row === undefined) throw new UnknownCollectionError(collection, await collectionNames(sql));
  const { schema, table, column, writer } = row;
  if (column === null) throw new InPlaceColumnError(collection, 'no vector column of the application was adopted');
  if (writer !== 'keeper')
    throw new InPlaceColumnError(
      collection,
      `the application writes ${column} itself: its vectors would be of the wrong model after a cutover. Let the keeper write it first, "kimera migrate writer --collection ${collection} --to keeper"`,
    );
  const found = await readVectorColumn(sql, { schema, table, column });
  if (found === undefined)
    throw new InPlaceColumnError(
      collection,
      `${schema}.${table} has no column ${column} of pgvector's types vector or halfvec`,
    );
  return found;
}

/** The names of a swap towards a space: there is a column `kimera_old_…` after a cutover, `kimera_new_…` otherwise. */
export function swapNames({ source, target }: Migration, column: ColumnName, toSpace: string): SwapNames {
  const fresh = `kimera_new_${shortFingerprint(target.fingerprint)}`;
  const old = `kimera_old_${shortFingerprint(source.fingerprint)}`;
  return toSpace === target.fingerprint
    ? { column, spare: fresh, spareAfter: old }
    : { column, spare: old, spareAfter: fresh };
}

/** The vectors of a space are written into this column too. */
export async function setMirror(
  sql: Queryable,
  collection: string,
  space: string,
  column: string,
  type: string,
): Promise<void> {
  await sql.run(
    'UPDATE kimera.collection_spaces SET mirror_column = $3, mirror_type = $4 WHERE collection = $1 AND space = $2',
    [collection, space, column, type],
  );
}

/** The column of ours that a space has in the application's table, where it has one. */
export async function spareColumn(sql: Queryable, collection: string, space: string): Promise<ColumnName | undefined> {
  const row = await sql.row(
    z.object({ schema: z.string(), table: z.string(), column: z.string().nullable() }),
    `SELECT source_schema AS schema, source_table AS table, mirror_column AS column FROM kimera.collections c
     JOIN kimera.collection_spaces h ON h.collection = c.name WHERE c.name = $1 AND h.space = $2`,
    [collection, space],
  );
  if (row === undefined || row.column === null || !OF_OURS.test(row.column)) return undefined;
  return { schema: row.schema, table: row.table, column: row.column };
}

/** What the operator accepted, or undefined where the migration is not in place. */
export async function readAccepted(sql: Queryable, migration: string): Promise<readonly string[] | undefined> {
  return (
    await sql.row(
      z.object({ accepted: z.array(z.string()) }),
      'SELECT accepted FROM kimera.in_place WHERE migration = $1',
      [migration],
    )
  )?.accepted;
}
