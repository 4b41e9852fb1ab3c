import { MigrationUnderWayError, UnknownCollectionError } from '@kimera/core';
import { z } from 'zod';
import { stateSchema } from '../migration-rows.js';
import { dropCapture } from '../schema/capture.js';
import { dropColumn } from '../in-place/open-column.js';
import { spareColumn } from '../in-place/spaces-in-place.js';
import { collectionNames, readSpaces } from '../source.js';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { DEPENDENT_OBJECTS, sqlState } from '../sql/sql-state.js';
import { AdoptedCollectionError, NotAdoptedError, TableInUseError } from './errors.js';
import { dropObservation } from './observed-writes.js';

/** A collection and what there is of it. */
export interface CollectionParts {
  readonly collection: string;
  readonly table: string;
  readonly origin: 'adopted' | 'created';
  /** The application may have dropped or renamed it. */
  readonly tableIsThere: boolean;
  /** Models of its spaces. */
  readonly spaces: readonly string[];
  readonly bytes: number;
  readonly migrations: number;
}

const partsRow = z.object({
  schema: z.string(),
  table: z.string(),
  adopted: z.boolean(),
  there: z.boolean(),
  spaces: z.array(z.string()),
  bytes: z.number(),
  migrations: z.number(),
});
const underWayRow = z.object({ id: z.string(), state: stateSchema });

/** @throws UnknownCollectionError. */
export async function readParts(sql: Queryable, collection: string): Promise<CollectionParts> {
  const row = await sql.row(
    partsRow,
    `SELECT source_schema AS schema, source_table AS table, adopted, to_regclass(format('%I.%I', source_schema, source_table)) IS NOT NULL AS there,
            ARRAY(SELECT s.model_id FROM kimera.collection_spaces h JOIN kimera.spaces s ON s.fingerprint = h.space WHERE h.collection = c.name ORDER BY h.sequence) AS spaces,
            coalesce((SELECT sum(pg_total_relation_size(t.relation)) FROM kimera.collection_spaces h
              CROSS JOIN LATERAL (VALUES (to_regclass(format('kimera.%I', h.vectors_table))), (to_regclass(format('kimera.%I', h.pending_table)))) t (relation) WHERE h.collection = c.name), 0)::float8 AS bytes,
            (SELECT count(*) FROM kimera.migrations m WHERE m.collection = c.name)::float8 AS migrations
     FROM kimera.collections c WHERE c.name = $1`,
    [collection],
  );
  if (row === undefined) throw new UnknownCollectionError(collection, await collectionNames(sql));
  const { schema, table, adopted, there, ...rest } = row;
  return {
    ...rest,
    collection,
    table: `${schema}.${table}`,
    origin: adopted ? 'adopted' : 'created',
    tableIsThere: there,
  };
}

/**
 * Takes everything of ours off an adopted table.
 * @throws NotAdoptedError, UnknownCollectionError, MigrationUnderWayError (not where the table is gone), BusyError.
 */
export function unadoptCollection(database: Database, collection: string): Promise<CollectionParts> {
  return database.transaction(async (sql) => {
    const parts = await readParts(sql, collection);
    if (parts.origin !== 'adopted') throw new NotAdoptedError(collection);
    const underWay = await sql.row(
      underWayRow,
      `SELECT id, state FROM kimera.migrations WHERE collection = $1 AND state <> 'retired'`,
      [collection],
    );
    if (underWay !== undefined && parts.tableIsThere)
      throw new MigrationUnderWayError(collection, underWay.id, underWay.state);
    await removeOurs(sql, collection);
    return parts;
  });
}

/**
 * Removes the schema where no collection is left; stores that are open on the database cannot be used any more. Returns
 * whether it did.
 */
export function removeSchema(database: Database): Promise<boolean> {
  return database.transaction(async (sql) => {
    await sql.script('LOCK TABLE kimera.collections IN ACCESS EXCLUSIVE MODE');
    if ((await collectionNames(sql)).length > 0) return false;
    await sql.script('DROP SCHEMA kimera CASCADE');
    return true;
  });
}

/** Drops a collection of our own with its table. @throws AdoptedCollectionError, UnknownCollectionError, TableInUseError, BusyError. */
export async function dropCollection(database: Database, collection: string): Promise<CollectionParts> {
  try {
    return await database.transaction(async (sql) => {
      const parts = await readParts(sql, collection);
      if (parts.origin !== 'created') throw new AdoptedCollectionError(collection, parts.table);
      await removeOurs(sql, collection);
      // Made by createCollection.
      await sql.script(`DROP TABLE IF EXISTS ${quoted('public', collection)}`);
      return parts;
    });
  } catch (error) {
    if (sqlState(error) !== DEPENDENT_OBJECTS || !(error instanceof Error)) throw error;
    const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : error.message;
    throw new TableInUseError(`public.${collection}`, detail.replaceAll('\n', ', '));
  }
}

/** Triggers first: they lock the application's table, and whoever writes it holds what comes after. */
async function removeOurs(sql: Queryable, collection: string): Promise<void> {
  await dropCapture(sql, { name: collection });
  await dropObservation(sql, collection);
  // A column of ours beside the application's, of a migration in place whose table is broken by now.
  for (const { fingerprint } of await readSpaces(sql, collection)) {
    const spare = await spareColumn(sql, collection, fingerprint);
    if (spare !== undefined) await dropColumn(sql, spare);
  }
  const tables = await sql.rows(
    z.object({ name: z.string() }),
    `SELECT unnest(ARRAY[vectors_table, pending_table]) AS name FROM kimera.collection_spaces WHERE collection = $1`,
    [collection],
  );
  for (const { name } of tables) await sql.script(`DROP TABLE IF EXISTS ${quoted('kimera', name)}`);
  for (const table of await tablesWith(sql, 'migration'))
    await sql.run(`DELETE FROM ${table} WHERE migration IN (SELECT id FROM kimera.migrations WHERE collection = $1)`, [
      collection,
    ]);
  for (const table of await tablesWith(sql, 'collection'))
    await sql.run(`DELETE FROM ${table} WHERE collection = $1`, [collection]);
  await sql.run('DELETE FROM kimera.collections WHERE name = $1', [collection]);
  await sql.run(
    'DELETE FROM kimera.spaces s WHERE NOT EXISTS (SELECT FROM kimera.collection_spaces h WHERE h.space = s.fingerprint)',
  );
}

/** Referenced by others of these tables, so their rows go last, in this order. */
const LAST = ['kimera.pointers', 'kimera.collection_spaces', 'kimera.migrations'];

/** Tables of ours whose rows belong to a collection or a migration, quoted for SQL. */
async function tablesWith(sql: Queryable, column: 'collection' | 'migration'): Promise<readonly string[]> {
  const rows = await sql.rows(
    z.object({ name: z.string() }),
    `SELECT format('kimera.%I', c.relname) AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'kimera'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = $1 AND NOT a.attisdropped
     ORDER BY coalesce(array_position($2::text[], format('kimera.%I', c.relname)), 0), c.oid DESC`,
    [column, LAST],
  );
  return rows.map(({ name }) => name);
}
