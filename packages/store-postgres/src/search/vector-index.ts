import { z } from 'zod';
import { isOlder } from '../schema/pgvector.js';
import type { HeldSpace, Source } from '../source.js';
import { quoted } from '../sql/identifier.js';
import type { Pgvector } from '../sql/pgvector.js';
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
  is_ours: z.boolean(),
  /** Of the source table, unquoted: the column that has the vectors of the space. */
  column_name: z.string().nullable(),
  definition: z.string(),
});

/**
 * As pg_get_indexdef writes an index on one column of vectors: the operator class may have a schema, and IVFFlat's
 * default is left out.
 */
const DEFINITION =
  /USING (hnsw|ivfflat) \(("(?:[^"]|"")+"|\w+)(?: (?:(?:"(?:[^"]|"")+"|\w+)\.)?(vector|halfvec)_(cosine|ip|l2)_ops)?\)(?: WITH \((.*)\))?$/;

/**
 * The index on the vectors of a collection in a space; of several one on our table, one by cosine, HNSW before IVFFlat.
 * A column of the source table counts where it has the vectors of that space: the one that is kept with them, or the
 * application's own while no cutover in place has changed what it holds. Where vectors have length 1, inner product and
 * Euclidean distance have the same order as the cosine. Partial indexes and those on expressions are left out.
 */
export async function findVectorIndex(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
): Promise<VectorIndex | undefined> {
  const adopted = source.origin === 'adopted';
  const rows = await sql.rows(
    indexRow,
    `SELECT i.indrelid = to_regclass($1) AS is_ours, ${adopted ? COLUMN_OF_SPACE : 'NULL'} AS column_name, pg_get_indexdef(i.indexrelid) AS definition
     FROM pg_index i
     WHERE i.indrelid = ANY (ARRAY[to_regclass($1) ${adopted ? ', to_regclass($2)' : ''}]::oid[]) AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = 1
     ORDER BY i.indexrelid`,
    [held.vectors, ...(adopted ? [source.table, source.name, held.space.fingerprint] : [])],
  );
  const indexes = rows.flatMap((row) => indexOf(row, held.space.normalize, sql.pgvector));
  return indexes.sort((a, b) => rank(a) - rank(b))[0];
}

/** The vector column of `$3` where it holds the vectors of space `$4`, by its name without quotes. */
const COLUMN_OF_SPACE = `coalesce(
  (SELECT mirror_column FROM kimera.collection_spaces WHERE collection = $3 AND space = $4),
  (SELECT c.vector_column FROM kimera.adoptions o JOIN kimera.collections c ON c.name = o.collection WHERE o.collection = $3 AND o.space = $4
     AND NOT EXISTS (SELECT FROM kimera.collection_spaces k WHERE k.collection = $3 AND k.mirror_column IS NOT NULL)))`;

function indexOf(
  { is_ours: isOurs, column_name: name, definition }: z.infer<typeof indexRow>,
  normalized: boolean,
  { version }: Pgvector,
): readonly VectorIndex[] {
  const [, method, column, type = 'vector', metric = 'l2', options = ''] = DEFINITION.exec(definition) ?? [];
  if (method !== 'hnsw' && method !== 'ivfflat') return [];
  if (type !== 'vector' && type !== 'halfvec') return [];
  if (metric !== 'cosine' && (!normalized || (metric !== 'ip' && metric !== 'l2'))) return [];
  // A name without need of quotes is written without them.
  if (!isOurs && (name === null || (column !== name && column !== quoted(name)))) return [];
  return [
    {
      on: isOurs || name === null ? 'our table' : { column: quoted(name), type },
      method,
      operator: OPERATORS[metric],
      lists: Number(/\blists='?(\d+)/.exec(options)?.[1] ?? DEFAULT_LISTS),
      isIterative: !isOlder(version, ITERATIVE_SINCE),
    },
  ];
}

function rank({ on, method, operator }: VectorIndex): number {
  return (on === 'our table' ? 0 : 4) + (operator === OPERATORS.cosine ? 0 : 2) + (method === 'hnsw' ? 0 : 1);
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
