import { z } from 'zod';
import { isOlder } from '../schema/pgvector.js';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';

/** The operator that an index of pgvector orders by, as the names of its operator classes have it. */
const OPERATORS = { cosine: '<=>', ip: '<#>', l2: '<->' } as const;

/** An index of pgvector that a search by cosine can use. */
export interface VectorIndex {
  /** On our table of vectors, or on a column of the source table that has the vectors of the same space. */
  readonly on: 'our table' | { readonly column: string; readonly type: 'vector' | 'halfvec' };
  readonly method: 'hnsw' | 'ivfflat';
  /** What it orders by. */
  readonly operator: (typeof OPERATORS)[keyof typeof OPERATORS];
  /** Of IVFFlat: in how many lists the vectors lie. */
  readonly lists: number;
  /** The scan goes on where a filter leaves too few rows. */
  readonly isIterative: boolean;
}

/** Iterative scans came with this release (CHANGELOG.md of pgvector). */
const ITERATIVE_SINCE = '0.8.0';
/** Where the index names none (IVFFLAT_DEFAULT_LISTS in ivfflat.h). */
const DEFAULT_LISTS = 100;

const indexRow = z.object({
  place: z.enum(['our table', 'source table']),
  column_name: z.string(),
  type: z.enum(['vector', 'halfvec']),
  method: z.enum(['hnsw', 'ivfflat']),
  metric: z.enum(['cosine', 'ip', 'l2']),
  lists: z.coerce.number().nullable(),
  version: z.string(),
});

/**
 * The index on the vectors of a collection in a space; of several one on our table, one by cosine, HNSW before IVFFlat.
 * A column of the source table counts where it has the vectors of that space: the one that is kept with them, or the
 * application's own while no cutover in place has changed what it holds. Where vectors have
 * length 1, inner product and Euclidean distance have the same order as the cosine. Partial indexes and those on
 * expressions are left out.
 */
export async function findVectorIndex(
  sql: Queryable,
  collection: string,
  space: string,
): Promise<VectorIndex | undefined> {
  const row = await sql.row(
    indexRow,
    `SELECT place, a.attname AS column_name, t.typname AS type, am.amname AS method, (regexp_match(oc.opcname, '_(cosine|ip|l2)_ops$'))[1] AS metric,
            (SELECT option_value FROM pg_options_to_table(ic.reloptions) WHERE option_name = 'lists') AS lists,
            e.extversion AS version
     FROM kimera.collection_spaces h
     JOIN kimera.collections c ON c.name = h.collection
     JOIN kimera.spaces s ON s.fingerprint = h.space
     LEFT JOIN kimera.adoptions o ON o.collection = h.collection AND o.space = h.space
       AND NOT EXISTS (SELECT FROM kimera.collection_spaces k WHERE k.collection = h.collection AND k.mirror_column IS NOT NULL)
     CROSS JOIN LATERAL (VALUES
       ('our table', to_regclass(format('kimera.%I', h.vectors_table)), 'embedding'),
       ('source table', to_regclass(format('%I.%I', c.source_schema, c.source_table)), coalesce(h.mirror_column, CASE WHEN o.space IS NOT NULL THEN c.vector_column END))
     ) AS places (place, relation, attribute)
     JOIN pg_index i ON i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = attribute
     JOIN pg_type t ON t.oid = a.atttypid AND t.typname IN ('vector', 'halfvec')
     JOIN pg_class ic ON ic.oid = i.indexrelid
     JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('hnsw', 'ivfflat')
     JOIN pg_opclass oc ON oc.oid = i.indclass[0]
       AND oc.opcname ~ (CASE WHEN (s.space ->> 'normalize')::boolean THEN '_(cosine|ip|l2)_ops$' ELSE '_cosine_ops$' END)
     JOIN pg_extension e ON e.extname = 'vector'
     WHERE h.collection = $1 AND h.space = $2
     ORDER BY place, oc.opcname ~ '_cosine_ops$' DESC, am.amname, i.indexrelid LIMIT 1`,
    [collection, space],
  );
  if (row === undefined) return undefined;
  const { place, column_name: column, type, method, metric, lists, version } = row;
  return {
    on: place === 'our table' ? place : { column: quoted(column), type },
    method,
    operator: OPERATORS[metric],
    lists: lists ?? DEFAULT_LISTS,
    isIterative: !isOlder(version, ITERATIVE_SINCE),
  };
}

/** Neighbours that HNSW keeps in sight at most, and without a setting (HNSW_MAX_EF_SEARCH, HNSW_DEFAULT_EF_SEARCH in hnsw.h). */
export const MAX_EF_SEARCH = 1_000;
const DEFAULT_EF_SEARCH = 40;

/**
 * Settings of one statement's scan, as SQL expressions that make them: they end with the statement's transaction. A
 * wider setting of the database's own stays. @param candidates rows that the scan must give.
 */
export function scanSettings({ method, lists, isIterative }: VectorIndex, candidates: number): readonly string[] {
  const iterative = isIterative ? [`set_config('${method}.iterative_scan', 'relaxed_order', true)`] : [];
  const atLeast = (setting: string, usual: number, wanted: number): string =>
    `set_config('${setting}', greatest(coalesce(nullif(current_setting('${setting}', true), '')::int, ${usual}), ${wanted})::text, true)`;
  return method === 'hnsw'
    ? [atLeast('hnsw.ef_search', DEFAULT_EF_SEARCH, Math.min(candidates, MAX_EF_SEARCH)), ...iterative]
    : // The square root of the lists is where pgvector's README begins.
      [atLeast('ivfflat.probes', 1, Math.ceil(Math.sqrt(lists))), ...iterative];
}
