import { cosine, UnknownCollectionError, type PrepareOptions, type VectorColumnWriter } from '@kimera/core';
import { z } from 'zod';
import { mirrorIntoAdopted, readAdoptedMirror } from '../in-place/adopted-mirror.js';
import { fillColumn } from '../in-place/fill-column.js';
import type { ColumnName } from '../in-place/vector-column.js';
import { stateSchema } from '../migration-rows.js';
import { collectionNames, reading, readSource, readSpace, rowsOf } from '../source.js';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import { decodeVector } from '../vector-codec.js';
import { checkKeeperColumn } from './check-adoption.js';
import { asVectorColumn, describeTable } from './describe-table.js';
import {
  AdoptionUnfinishedError,
  KeeperColumnError,
  NoVectorColumnError,
  VectorWriterDisagreesError,
  VectorWriterUnderMigrationError,
} from './errors.js';
import { decodeOldVector, readOldVector } from './old-vector-codec.js';
import type { VectorColumn } from './table-description.js';
import { readUnfinished } from './unfinished.js';

/** Where none of n is bad, at most 3/n of all are at 95 % (rule of three). */
const SAMPLED_ROWS = 300;
/** Two programs that compute one model, one of them perhaps with a quantised variant, agree at least so far. */
const AGREEING_COSINE = 0.98;

export interface ChangeWriterOptions extends PrepareOptions {
  /** True: values that are not the vectors of their text are overwritten too. */
  readonly overwrite?: boolean;
}

export interface WriterChange {
  readonly collection: string;
  readonly column: string;
  readonly from: VectorColumnWriter;
  readonly to: VectorColumnWriter;
  /** Values of the column that were not the stored vector of the row's present text, and are now. */
  readonly filled: number;
}

interface Adopted extends ColumnName {
  readonly writer: VectorColumnWriter;
}

/**
 * From now on somebody else writes the vector column of an adopted table. To the keeper: the column gets the stored
 * vector of each row whose text has not changed since, a few rows in each transaction, and then every new one. To the
 * application: what is in the column stays. Stopped, the same call goes on.
 * @throws UnknownCollectionError, NoVectorColumnError, AdoptionUnfinishedError, VectorWriterUnderMigrationError,
 * KeeperColumnError, VectorWriterDisagreesError (nothing has changed in all these cases), the signal's reason.
 */
export async function changeWriter(
  database: Database,
  collection: string,
  to: VectorColumnWriter,
  { overwrite = false, ...options }: ChangeWriterOptions,
): Promise<WriterChange> {
  const adopted = await readAdoptedColumn(database, collection);
  const change = { collection, column: adopted.column, from: adopted.writer, to };
  const obstacle = await findObstacle(database, collection);
  if (obstacle !== undefined && adopted.writer !== to) throw obstacle;
  if (obstacle !== undefined) return { ...change, filled: 0 };
  if (to === 'application') {
    if (adopted.writer !== to) await database.transaction((sql) => giveToApplication(sql, collection));
    return { ...change, filled: 0 };
  }
  const { activeSpace } = await readSource(database, collection);
  const column = await readKeeperColumn(database, collection, activeSpace, adopted.column);
  if (adopted.writer !== to && !overwrite) await compareValues(database, collection, activeSpace, column);
  const fill = { ...options, which: 'of present texts' } as const;
  // First: searches through kimera may use an index on the column as soon as it is the space's.
  const before = await fillColumn(database, collection, activeSpace, {
    ...fill,
    into: await readAdoptedMirror(database, adopted),
  });
  await database.transaction((sql) => giveToKeeper(sql, collection, activeSpace, adopted));
  // What was written meanwhile.
  return { ...change, filled: before + (await fillColumn(database, collection, activeSpace, fill)) };
}

async function readAdoptedColumn(sql: Queryable, collection: string): Promise<Adopted> {
  const row = await sql.row(
    z.object({
      schema: z.string(),
      table: z.string(),
      column: z.string().nullable(),
      writer: z.enum(['keeper', 'application']).nullable(),
    }),
    'SELECT source_schema AS schema, source_table AS table, vector_column AS column, vector_writer AS writer FROM kimera.collections WHERE name = $1',
    [collection],
  );
  if (row === undefined) throw new UnknownCollectionError(collection, await collectionNames(sql));
  const { schema, table, column, writer } = row;
  if (column === null || writer === null) throw new NoVectorColumnError(collection, `${schema}.${table}`);
  return { schema, table, column, writer };
}

/** What would lose the vectors of one side. */
async function findObstacle(
  sql: Queryable,
  collection: string,
): Promise<VectorWriterUnderMigrationError | AdoptionUnfinishedError | undefined> {
  if ((await readUnfinished(sql, collection)) !== undefined)
    return new AdoptionUnfinishedError(collection, ['--vector-writer']);
  const migration = await sql.row(
    z.object({ id: z.string(), state: stateSchema, in_place: z.boolean() }),
    `SELECT id, state, EXISTS (SELECT FROM kimera.in_place i WHERE i.migration = m.id) AS in_place FROM kimera.migrations m WHERE collection = $1 AND state <> 'retired'`,
    [collection],
  );
  if (migration === undefined) return undefined;
  const { id, state, in_place: isInPlace } = migration;
  return isInPlace || state === 'cut-over'
    ? new VectorWriterUnderMigrationError(collection, id, state, isInPlace)
    : undefined;
}

/** The row of the collection first: a migration in place that begins waits for it, and then sees who writes. */
async function record(sql: Queryable, collection: string, to: VectorColumnWriter): Promise<void> {
  await sql.run('UPDATE kimera.collections SET vector_writer = $2 WHERE name = $1', [collection, to]);
  const obstacle = await findObstacle(sql, collection);
  if (obstacle !== undefined) throw obstacle;
}

async function giveToApplication(sql: Queryable, collection: string): Promise<void> {
  await record(sql, collection, 'application');
  // Waits for writes of vectors under way. No other column is there: the migration is not in place.
  await sql.run('UPDATE kimera.collection_spaces SET mirror_column = NULL, mirror_type = NULL WHERE collection = $1', [
    collection,
  ]);
}

async function giveToKeeper(sql: Queryable, collection: string, space: string, column: ColumnName): Promise<void> {
  await record(sql, collection, 'keeper');
  await mirrorIntoAdopted(sql, collection, space, column);
}

/** @throws KeeperColumnError. */
async function readKeeperColumn(
  sql: Queryable,
  collection: string,
  active: string,
  name: string,
): Promise<VectorColumn> {
  const { table: source } = await readSource(sql, collection);
  const { space } = await readSpace(sql, collection, active);
  const row = await sql.row(z.object({ oid: z.number() }), 'SELECT $1::regclass::oid::bigint::float8 AS oid', [source]);
  const table = await describeTable(sql, row?.oid ?? 0);
  const column = asVectorColumn(table, name);
  const described = table.columns.find((each) => each.name === name);
  if (column === undefined || described === undefined)
    throw new KeeperColumnError(
      name,
      described === undefined ? 'the table has it no longer' : `it is of type ${described.type}`,
    );
  checkKeeperColumn(column, described);
  if (column.dimension !== null && column.dimension !== space.dimension)
    throw new KeeperColumnError(
      name,
      `it takes ${column.dimension} numbers, and vectors of ${space.modelId}, which searches use, have ${space.dimension}`,
    );
  return column;
}

const sampledRow = z.object({
  id: z.string(),
  value: z.union([z.instanceof(Buffer), z.string()]),
  stored: z.instanceof(Buffer),
});

/** What the application has written is of the model, as far as it is known. @throws VectorWriterDisagreesError. */
async function compareValues(
  sql: Queryable,
  collection: string,
  active: string,
  { column, storage }: VectorColumn,
): Promise<void> {
  const source = await readSource(sql, collection);
  const { vectors, space } = await readSpace(sql, collection, active);
  const { key } = source;
  const rows = await reading(sql, source).rows(
    sampledRow,
    `SELECT ${key.text('d')} AS id, ${readOldVector(storage, 'd.value', sql.pgvector)} AS value, ${sql.pgvector.name('vector_send')}(v.embedding) AS stored
     FROM ${rowsOf(source, source.table, `, ${quoted(column)} AS value`)} d JOIN ${vectors} v ON ${key.equal('v', 'd')}
     WHERE d.value IS NOT NULL AND v.content_hash = ${source.hash} ORDER BY sha256(convert_to(${key.text('d')}, 'UTF8')) LIMIT ${SAMPLED_ROWS}`,
  );
  const disagreeing = rows.filter(({ value, stored }) => {
    const { dense } = decodeOldVector(storage, value, space.dimension);
    return dense === null || cosine(dense, decodeVector(stored)) < AGREEING_COSINE;
  });
  if (disagreeing.length > 0)
    throw new VectorWriterDisagreesError(
      column,
      space.modelId,
      rows.length,
      disagreeing.map(({ id }) => id),
    );
}
