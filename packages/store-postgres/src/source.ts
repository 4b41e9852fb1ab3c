import {
  CollectionTableGoneError,
  CollectionUnreadableError,
  UnknownCollectionError,
  UnknownSpaceError,
  type EmbeddingSpace,
  reasonOf,
} from '@kimera/core';
import { z } from 'zod';
import { KEY_TYPES, type KeyType } from './key-types.js';
import { Key } from './key.js';
import { parseSpace } from './parse-space.js';
import { quoted } from './sql/identifier.js';
import type { Queryable } from './sql/queryable.js';
import { isMisfit } from './sql/sql-state.js';

/** The table of a collection; names are quoted for SQL. */
export interface Source {
  /** Of the collection. */
  readonly name: string;
  /** For people: `public.docs`. */
  readonly title: string;
  readonly table: string;
  readonly key: Key;
  /** SQL over the columns of a row; null: the row is as if it were not there. */
  readonly textExpression: string;
  /** Or null: the rows have no tenant. */
  readonly tenantColumn: string | null;
  /** Of the application's own, or made by us: then its columns are `id` and `text`. */
  readonly origin: 'adopted' | 'created';
  /**
   * For FROM, to be named `d`: the rows that have a text, with the key's columns under our names, `text` and, where rows
   * have a tenant, `tenant`, as text.
   */
  readonly rows: string;
  /** SQL of a row's content hash, {@link rows} being `d`. */
  readonly hash: string;
  /** Fingerprint; that of all tenants which have none of their own. */
  readonly activeSpace: string;
}

/** A space that a collection has vectors in, with its tables, quoted for SQL. */
export interface HeldSpace {
  readonly space: EmbeddingSpace;
  readonly vectors: string;
  readonly pending: string;
  /** A column of the source table that gets each of these vectors too. */
  readonly mirror: Mirror | null;
}

/** Quoted for SQL; the type without a dimension. */
export interface Mirror {
  readonly column: string;
  readonly type: string;
}

const keyType = z.custom<KeyType>((value) => typeof value === 'string' && Object.hasOwn(KEY_TYPES, value));
const sourceRow = z.object({
  source_schema: z.string(),
  source_table: z.string(),
  key_columns: z.array(z.object({ name: z.string(), type: keyType, collation: z.string().nullable() })),
  text_expression: z.string(),
  tenant_column: z.string().nullable(),
  adopted: z.boolean(),
  is_there: z.boolean(),
  space: z.string(),
});
const heldRow = z.object({
  space: z.unknown(),
  vectors_table: z.string(),
  pending_table: z.string(),
  mirror_column: z.string().nullable(),
  mirror_type: z.string().nullable(),
});

/** @throws UnknownCollectionError, CollectionTableGoneError. */
export async function readSource(sql: Queryable, name: string): Promise<Source> {
  const { source, isThere } = await findSource(sql, name);
  if (!isThere) throw new CollectionTableGoneError(name, source.title);
  return source;
}

/** Also where the table is gone. @throws UnknownCollectionError. */
export async function findSource(
  sql: Queryable,
  name: string,
): Promise<{ readonly source: Source; readonly isThere: boolean }> {
  const row = await sql.row(
    sourceRow,
    `SELECT source_schema, source_table, key_columns, text_expression, tenant_column, adopted, p.space,
            to_regclass(format('%I.%I', source_schema, source_table)) IS NOT NULL AS is_there
     FROM kimera.collections c JOIN kimera.pointers p ON p.collection = c.name AND p.tenant = '' WHERE c.name = $1`,
    [name],
  );
  if (row === undefined) throw new UnknownCollectionError(name, await collectionNames(sql));
  return { source: sourceOf(name, row), isThere: row.is_there };
}

/** Of the same connection; statements that no longer fit the table fail with CollectionUnreadableError. */
export function reading(sql: Queryable, source: Pick<Source, 'name' | 'title'>): Queryable {
  return sql.explained((error) => readingError(error, source));
}

/** What a statement that reads the table failed with. */
export function readingError(error: unknown, { name, title }: Pick<Source, 'name' | 'title'>): unknown {
  return isMisfit(error) ? new CollectionUnreadableError(name, title, reasonOf(error), { cause: error }) : error;
}

export async function collectionNames(sql: Queryable): Promise<readonly string[]> {
  const rows = await sql.rows(z.object({ name: z.string() }), 'SELECT name FROM kimera.collections ORDER BY name');
  return rows.map(({ name }) => name);
}

function sourceOf(
  name: string,
  {
    source_schema: schema,
    source_table: tableName,
    key_columns: columns,
    text_expression: textExpression,
    tenant_column: tenant,
    adopted,
    space,
  }: z.infer<typeof sourceRow>,
): Source {
  const table = quoted(schema, tableName);
  const parts = {
    key: new Key(columns),
    textExpression,
    tenantColumn: tenant === null ? null : quoted(tenant),
  };
  return {
    ...parts,
    name,
    title: `${schema}.${tableName}`,
    table,
    origin: adopted ? 'adopted' : 'created',
    rows: rowsOf(parts, table),
    hash: `sha256(convert_to(d.text, 'UTF8'))`,
    activeSpace: space,
  };
}

/**
 * {@link Source.rows} of any relation with the columns of the source table. The text expression sees these columns
 * alone: no name of ours can stand in its way. @param more columns of these rows, as SQL after a comma.
 */
export function rowsOf(
  { key, textExpression, tenantColumn }: Pick<Source, 'key' | 'textExpression' | 'tenantColumn'>,
  relation: string,
  more = '',
): string {
  const tenant = tenantColumn === null ? '' : `, ${tenantColumn}::text AS tenant`;
  return `(SELECT ${key.selected}, (${textExpression})::text AS text${tenant}${more} FROM ${relation} WHERE (${textExpression}) IS NOT NULL)`;
}

/** `held` keeps the space from being closed until the transaction ends. @throws UnknownSpaceError. */
export async function readSpace(
  sql: Queryable,
  collection: string,
  fingerprint: string,
  locking: 'free' | 'held' = 'free',
): Promise<HeldSpace> {
  const row = await sql.row(
    heldRow,
    `SELECT s.space, vectors_table, pending_table, mirror_column, mirror_type FROM kimera.collection_spaces h JOIN kimera.spaces s ON s.fingerprint = h.space
     WHERE h.collection = $1 AND h.space = $2 ${locking === 'held' ? 'FOR KEY SHARE OF h' : ''}`,
    [collection, fingerprint],
  );
  if (row === undefined) throw new UnknownSpaceError(collection, fingerprint);
  return {
    space: parseSpace(row.space),
    vectors: quoted('kimera', row.vectors_table),
    pending: quoted('kimera', row.pending_table),
    mirror:
      row.mirror_column === null || row.mirror_type === null
        ? null
        : { column: quoted(row.mirror_column), type: row.mirror_type },
  };
}

/** In the order in which they were opened. */
export async function readSpaces(sql: Queryable, collection: string): Promise<readonly EmbeddingSpace[]> {
  const rows = await sql.rows(
    z.object({ space: z.unknown() }),
    'SELECT s.space FROM kimera.collection_spaces h JOIN kimera.spaces s ON s.fingerprint = h.space WHERE h.collection = $1 ORDER BY h.sequence',
    [collection],
  );
  return rows.map(({ space }) => parseSpace(space));
}
