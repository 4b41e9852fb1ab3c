import type { Dependent } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import type { VectorColumn } from './vector-column.js';

/** An index that a vector column is part of. */
export interface ColumnIndex {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** `hnsw`. */
  readonly method: string;
  /** What `CREATE INDEX` is followed by after the name: `ON public.documents USING hnsw (embedding …) WITH (…)`. */
  readonly shape: string;
  /** False after a build that did not end. */
  readonly valid: boolean;
  readonly comment: string | null;
  /** Why it cannot be made on another column, or null. */
  readonly objection: string | null;
}

/** Numbers that pgvector indexes (HNSW_MAX_DIM in hnsw.h, IVFFLAT_MAX_DIM in ivfflat.h; twice as many of halfvec). */
const INDEXED_DIMENSIONS = { vector: 2000, halfvec: 4000 } as const;

const row = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  method: z.string(),
  definition: z.string(),
  head: z.string(),
  valid: z.boolean(),
  comment: z.string().nullable(),
  is_unique: z.boolean(),
  is_clustered: z.boolean(),
  is_identity: z.boolean(),
  tablespace: z.string().nullable(),
  has_targets: z.boolean(),
});

/** The search path must be `pg_catalog`, so that the definitions name every schema. In order of the name. */
export async function readIndexes(
  sql: Queryable,
  { oid, attribute }: Pick<VectorColumn, 'oid' | 'attribute'>,
): Promise<readonly ColumnIndex[]> {
  const rows = await sql.rows(
    row,
    `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, m.amname AS method,
            pg_get_indexdef(c.oid) AS definition, format('CREATE %sINDEX %I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname) AS head,
            i.indisvalid AND i.indisready AS valid, obj_description(c.oid, 'pg_class') AS comment,
            i.indisunique AS is_unique, i.indisclustered AS is_clustered, i.indisreplident AS is_identity,
            (SELECT t.spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace) AS tablespace,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0) AS has_targets
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid = $1::oid AND EXISTS (
       SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
       AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = $2)
     ORDER BY c.relname COLLATE "C"`,
    [oid, attribute],
  );
  return rows.map((found) => ({
    oid: found.oid,
    schema: found.schema,
    name: found.name,
    method: found.method,
    shape: found.definition.slice(found.head.length),
    valid: found.valid,
    comment: found.comment,
    objection: objectionOf(found),
  }));
}

/** Indexes that the application's column has, sorted into what can be built on a column of another dimension. */
export function judgeIndexes(
  indexes: readonly ColumnIndex[],
  { type }: VectorColumn,
  newDimension: number,
): { readonly moved: readonly Dependent[]; readonly refused: readonly Dependent[] } {
  const [moved, refused]: [Dependent[], Dependent[]] = [[], []];
  for (const index of indexes) {
    const name = `${index.schema}.${index.name}`;
    const limit = INDEXED_DIMENSIONS[type];
    const objection =
      index.objection ??
      (!index.valid
        ? 'its build did not end: REINDEX it, or drop it'
        : ['hnsw', 'ivfflat'].includes(index.method) && newDimension > limit
          ? `${index.method} takes at most ${limit} numbers of type ${type}, the new model gives ${newDimension}: ${type === 'vector' && newDimension <= INDEXED_DIMENSIONS.halfvec ? 'change the column to halfvec first, or drop the index' : 'drop the index, or choose a model with fewer numbers'}`
          : undefined);
    if (objection === undefined)
      moved.push({ kind: 'index', name, detail: `is built on the new column: ${index.shape}` });
    else refused.push({ kind: 'index', name, detail: objection });
  }
  return { moved, refused };
}

/** A type with its dimension in an expression: what it says no longer holds in another space. */
export const NAMED_DIMENSION = /\b(vector|halfvec|sparsevec|bit)\(\d+\)/;

function objectionOf(found: z.infer<typeof row>): string | null {
  if (found.is_unique) return 'is unique: two rows may well get the same vector. Drop it';
  if (found.is_clustered) return 'the table is clustered by it: ALTER TABLE … SET WITHOUT CLUSTER first';
  if (found.is_identity) return 'is the replica identity of the table: choose another index';
  if (found.tablespace !== null)
    return `lies in tablespace ${found.tablespace}: move it to the default one, or drop it`;
  if (found.has_targets) return 'has a statistics target of its own: drop it';
  const named = NAMED_DIMENSION.exec(found.definition);
  return named === null
    ? null
    : `names ${named[0]}, as the application's SQL must to use it, and would fail with the new model: index the column itself`;
}
