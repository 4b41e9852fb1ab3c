import { z } from 'zod';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';

/** A column of an application's table that holds vectors, as the catalog has it. */
export interface VectorColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** Of the table. */
  readonly oid: string;
  readonly attribute: number;
  /** Quoted for SQL. */
  readonly quotedTable: string;
  /** For people: `public.documents`. */
  readonly title: string;
  readonly type: 'vector' | 'halfvec';
  /** Schema of the extension. */
  readonly extension: string;
  /** null where the column takes vectors of any dimension. */
  readonly dimension: number | null;
  readonly notNull: boolean;
  /** SQL, or null. */
  readonly defaultValue: string | null;
  /** Columns that come after it. */
  readonly followers: number;
}

export interface ColumnName {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

const row = z.object({
  oid: z.string(),
  attribute: z.number(),
  type: z.string(),
  extension: z.string().nullable(),
  modifier: z.number(),
  not_null: z.boolean(),
  default_value: z.string().nullable(),
  followers: z.number(),
});

/** undefined where there is no such column, or one of another type than pgvector's `vector` and `halfvec`. */
export async function readVectorColumn(sql: Queryable, name: ColumnName): Promise<VectorColumn | undefined> {
  const found = await sql.row(
    row,
    `SELECT c.oid::text AS oid, a.attnum::int AS attribute, t.typname AS type, a.atttypmod AS modifier, a.attnotnull AS not_null,
            pg_get_expr(d.adbin, d.adrelid) AS default_value,
            (SELECT count(*)::int FROM pg_attribute f WHERE f.attrelid = c.oid AND f.attnum > a.attnum AND NOT f.attisdropped) AS followers,
            (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
             JOIN pg_depend x ON x.refclassid = 'pg_extension'::regclass AND x.refobjid = e.oid AND x.classid = 'pg_type'::regclass AND x.objid = t.oid
             WHERE e.extname = 'vector') AS extension
     FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE s.nspname = $1 AND c.relname = $2 AND a.attname = $3`,
    [name.schema, name.table, name.column],
  );
  if (found === undefined || found.extension === null) return undefined;
  if (found.type !== 'vector' && found.type !== 'halfvec') return undefined;
  return {
    ...name,
    oid: found.oid,
    attribute: found.attribute,
    quotedTable: quoted(name.schema, name.table),
    title: `${name.schema}.${name.table}`,
    type: found.type,
    extension: found.extension,
    dimension: found.modifier === -1 ? null : found.modifier,
    notNull: found.not_null,
    defaultValue: found.default_value,
    followers: found.followers,
  };
}

/** The column's type with another dimension, for SQL. */
export function columnType(column: VectorColumn, newDimension: number): string {
  return `${unboundType(column)}${column.dimension === null ? '' : `(${newDimension})`}`;
}

/** The column's type without a dimension, for SQL. */
export function unboundType({ type, extension }: VectorColumn): string {
  return quoted(extension, type);
}

/** For people. */
export function typeTitle({ type, dimension }: VectorColumn, newDimension = dimension): string {
  return `${type}${dimension === null ? '' : `(${newDimension})`}`;
}
