import {
  checkCollectionName,
  checkDimension,
  CollectionExistsError,
  type AdoptionRequest,
  type EmbeddingSpace,
  type VectorColumnWriter,
} from '@kimera/core';
import { z } from 'zod';
import type { Database } from '../sql/database.js';
import { MAX_DIMENSION } from '../vector-codec.js';
import { checkText } from './check-text.js';
import { isKeyType, KEY_TYPE_NAMES } from './column-types.js';
import { asVectorColumn, describeTable } from './describe-table.js';
import {
  ForeignTableSourceError,
  InheritedTableError,
  KeeperColumnError,
  KeyCollationError,
  KeyNotUniqueError,
  KeyTypeError,
  MaterialisedViewSourceError,
  NoKeyError,
  NotATableError,
  NullableKeyError,
  OwnTableError,
  PartitionSourceError,
  RowSecurityError,
  SubscribedTableError,
  SystemTableError,
  TableAdoptedError,
  TablePermissionError,
  TemporaryTableError,
  TenantTypeError,
  TextUndecidedError,
  UnknownColumnError,
  VectorTypeError,
  VectorUndecidedError,
  VectorWriterMissingError,
  VectorWriterWithoutColumnError,
  ViewSourceError,
} from './errors.js';
import { findTable } from './find-table.js';
import { recogniseTable } from './recognise-table.js';
import type { ColumnDescription, Right, TableDescription, VectorColumn, VectorStorage } from './table-description.js';

/** A table with the columns that a collection is made of, all checked. */
export interface AdoptableTable {
  readonly table: TableDescription;
  readonly collection: string;
  readonly key: readonly ColumnDescription[];
  /** PostgreSQL's own form of the expression. */
  readonly text: string;
  readonly tenant: string | null;
  readonly vector: (VectorColumn & { readonly writer: VectorColumnWriter }) | null;
}

/** What pgvector casts its vectors to. */
const KEEPER_WRITES: readonly VectorStorage[] = ['vector', 'halfvec', 'real[]'];
const SYSTEM_SCHEMAS = ['pg_catalog', 'information_schema', 'pg_toast'];
/** What a role needs on a table of which it is not the owner. */
const NEEDED_RIGHTS = ['USAGE', 'SELECT', 'TRIGGER', 'UPDATE'] as const satisfies readonly Right[];

/** @throws a refusal for each reason that stands against the adoption; nothing is written. */
export async function checkAdoption(
  database: Database,
  request: AdoptionRequest,
  space: EmbeddingSpace,
): Promise<AdoptableTable> {
  const table = await describeTable(database, await findTable(database, request.table));
  checkRelation(table);
  checkRights(table);
  const proposal = recogniseTable(table);
  const key = checkKey(table, request.id ?? proposal.id);
  const tenant = checkTenant(table, request.tenant === undefined ? proposal.tenant : request.tenant);
  const vector = checkVectorColumn(table, request);
  const collection = request.collection ?? collectionName(table.name);
  await checkName(database, collection);
  checkDimension(space, MAX_DIMENSION);
  const text = request.text ?? proposal.text;
  if (text === null) throw new TextUndecidedError(table.title, proposal.textCandidates);
  return { table, collection, key, tenant, vector, text: await checkText(database, table, text) };
}

/** Why the table cannot be adopted, whatever the columns are. */
export function checkRelation(table: TableDescription): void {
  const { title, kind, schema, collection, partitionOf, children, subscriptions } = table;
  if (SYSTEM_SCHEMAS.includes(schema)) throw new SystemTableError(title);
  if (collection !== null) throw new TableAdoptedError(title, collection);
  if (schema === 'kimera') throw new OwnTableError(title);
  if (kind === 'view') throw new ViewSourceError(title);
  if (kind === 'materialised view') throw new MaterialisedViewSourceError(title);
  if (kind === 'foreign table') throw new ForeignTableSourceError(title);
  if (kind !== 'table' && kind !== 'partitioned table') throw new NotATableError(title, kind);
  if (table.isTemporary) throw new TemporaryTableError(title);
  if (partitionOf !== null) throw new PartitionSourceError(title, partitionOf);
  if (children.length > 0) throw new InheritedTableError(title, children);
  if (subscriptions.length > 0) throw new SubscribedTableError(title, subscriptions);
}

/** @throws TablePermissionError, RowSecurityError. */
export function checkRights({ title, schema, role, rights, rowSecurity, policies }: TableDescription): void {
  const missing = rights.includes('OWNER') ? [] : NEEDED_RIGHTS.filter((right) => !rights.includes(right));
  if (missing.length > 0) {
    const onTable = missing.filter((right) => right !== 'USAGE');
    const grants = [
      ...(missing.includes('USAGE') ? [`GRANT USAGE ON SCHEMA ${schema} TO ${role};`] : []),
      ...(onTable.length > 0 ? [`GRANT ${onTable.join(', ')} ON ${title} TO ${role};`] : []),
    ];
    throw new TablePermissionError(title, role, missing, grants.join(' '));
  }
  if (rowSecurity === 'hides rows') throw new RowSecurityError(title, role, policies);
}

/** The columns in the order of the index, which ranges of the key use. @throws a refusal of the key. */
export function checkKey(table: TableDescription, id: readonly string[]): readonly ColumnDescription[] {
  const { title, uniqueKeys } = table;
  if (id.length === 0) throw explainNoKey(table);
  const columns = id.map((name) => column(table, '--id', name));
  for (const each of columns) {
    if (!isKeyType(each)) throw new KeyTypeError(each.name, each.type, KEY_TYPE_NAMES);
    if (!each.hasDeterministicCollation) throw new KeyCollationError(each.name);
  }
  const over = uniqueKeys.filter(
    (key) => key.columns.length === id.length && id.every((name) => key.columns.includes(name)),
  );
  const serving = over.find(({ obstacle }) => obstacle === null);
  if (serving === undefined) {
    const [first] = over;
    throw new KeyNotUniqueError(
      title,
      id,
      first === undefined
        ? 'no unique index is over exactly these columns'
        : `the unique index ${first.name} is ${first.obstacle ?? ''}`,
      uniqueKeys.filter(({ obstacle }) => obstacle === null).map((key) => key.columns.join(',')),
    );
  }
  const nullable = columns.find(({ isNullable }) => isNullable);
  if (nullable !== undefined) throw new NullableKeyError(title, nullable.name);
  return serving.columns.flatMap((name) => columns.filter((each) => each.name === name));
}

/** What stands against each unique key, as if it had been named; else that there is none. */
function explainNoKey(table: TableDescription): Error {
  const [first] = table.uniqueKeys;
  if (first === undefined || first.columns.length === 0) return new NoKeyError(table.title);
  try {
    checkKey(table, first.columns);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  return new NoKeyError(table.title);
}

function checkTenant(table: TableDescription, tenant: string | null): string | null {
  if (tenant === null) return null;
  const found = column(table, '--tenant', tenant);
  if (!isKeyType(found)) throw new TenantTypeError(found.name, found.type, KEY_TYPE_NAMES);
  return found.name;
}

function checkVectorColumn(table: TableDescription, request: AdoptionRequest): AdoptableTable['vector'] {
  const name = request.vector === undefined ? proposedVector(table) : request.vector;
  if (name === null) {
    if (request.vectorWriter !== undefined) throw new VectorWriterWithoutColumnError(table.title);
    return null;
  }
  const found = column(table, '--vector', name);
  const described = asVectorColumn(table, name);
  if (described === undefined) throw new VectorTypeError(name, found.type);
  if (request.vectorWriter === undefined) throw new VectorWriterMissingError(name);
  if (request.vectorWriter === 'keeper') checkKeeperColumn(described, found);
  return { ...described, writer: request.vectorWriter };
}

/** @throws KeeperColumnError where the keeper cannot write the column. */
export function checkKeeperColumn(
  { column: name, storage, type }: VectorColumn,
  { isGenerated }: Pick<ColumnDescription, 'isGenerated'>,
): void {
  if (isGenerated) throw new KeeperColumnError(name, 'PostgreSQL computes it from other columns');
  if (!KEEPER_WRITES.includes(storage)) throw new KeeperColumnError(name, `it is of type ${type}`);
}

function proposedVector(table: TableDescription): string | null {
  const { vector } = recogniseTable(table);
  if (vector === null && table.vectorColumns.length > 1)
    throw new VectorUndecidedError(
      table.title,
      table.vectorColumns.map((each) => each.column),
    );
  return vector;
}

function column({ title, columns }: TableDescription, option: string, name: string): ColumnDescription {
  const found = columns.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new UnknownColumnError(
    title,
    option,
    name,
    columns.map((each) => each.name),
  );
}

/** A name that a collection may have, made of a table's. */
export function collectionName(table: string): string {
  const letters = table
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .slice(0, 40);
  return /^[a-z]/.test(letters) ? letters : `t${letters}`.slice(0, 41);
}

/** @throws InvalidCollectionNameError, CollectionExistsError. */
async function checkName(database: Database, collection: string): Promise<void> {
  checkCollectionName(collection);
  const taken = await database.row(
    z.object({ name: z.string() }),
    'SELECT name FROM kimera.collections WHERE name = $1',
    [collection],
  );
  if (taken !== undefined) throw new CollectionExistsError(collection);
}
