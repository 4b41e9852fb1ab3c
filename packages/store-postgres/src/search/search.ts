import {
  checkVector,
  NoTenantsError,
  SpaceMismatchError,
  UnknownCollectionError,
  RowColumnError,
  UnknownSpaceError,
  type CollectionSearch,
  type CollectionSpaces,
  type QueryVector,
  type SearchAnswer,
  type SearchOptions,
} from '@kimera/core';
import { z } from 'zod';
import { parseSpace } from '../parse-space.js';
import { collectionNames, readingError, readSource, readSpace } from '../source.js';
import type { Database } from '../sql/database.js';
import { sqlState, UNDEFINED_COLUMN, UNDEFINED_TABLE } from '../sql/sql-state.js';
import type { Nearest } from './nearest-statement.js';
import { readNearest, type NearestRows } from './read-nearest.js';
import { findVectorIndex, MAX_EF_SEARCH, type VectorIndex } from './vector-index.js';

/** Candidates beside the hits that are asked for, as a share of them and at least: rows that are gone or stale are few. */
const SPARE_SHARE = 0.25;
const LEAST_SPARE = 10;
/** Times as many candidates as before where the first ones gave too few hits; then all rows are looked at. */
const MORE = 8;

const spaceRow = z.object({ space: z.unknown(), active: z.boolean(), tenants: z.boolean() });

export class PostgresSearch implements CollectionSearch {
  constructor(private readonly database: Database) {}

  names(): Promise<readonly string[]> {
    return collectionNames(this.database);
  }

  async spaces(name: string, tenant?: string): Promise<CollectionSpaces> {
    const rows = await this.database.rows(
      spaceRow,
      `SELECT s.space, c.tenant_column IS NOT NULL AS tenants, h.space = (
         SELECT space FROM kimera.pointers p WHERE p.collection = c.name AND tenant IN ('', $2::text)
         ORDER BY tenant <> '' DESC LIMIT 1
       ) AS active
       FROM kimera.collections c JOIN kimera.collection_spaces h ON h.collection = c.name JOIN kimera.spaces s ON s.fingerprint = h.space
       WHERE c.name = $1 ORDER BY h.sequence`,
      [name, tenant ?? ''],
    );
    if (tenant !== undefined && rows.some(({ tenants }) => !tenants)) throw new NoTenantsError(name);
    const [active] = rows.filter((row) => row.active).map(({ space }) => parseSpace(space));
    if (active === undefined) throw new UnknownCollectionError(name, await this.names());
    return { active, others: rows.filter((row) => !row.active).map(({ space }) => parseSpace(space)) };
  }

  async search(name: string, query: QueryVector, options: SearchOptions): Promise<SearchAnswer> {
    const { limit, tenant, rows = 'all', scan = 'index', text = 'without', columns = [] } = options;
    const source = await readSource(this.database, name);
    if (tenant !== undefined && source.tenantColumn === null) throw new NoTenantsError(name);
    const held = await readSpace(this.database, name, query.space).catch(async (error: unknown) => {
      if (!(error instanceof UnknownSpaceError)) throw error;
      throw new SpaceMismatchError((await this.spaces(name, tenant)).active.fingerprint, query.space, 'query');
    });
    checkVector(query.dense, held.space.dimension, 'query');
    const found = scan === 'exact' ? undefined : await findVectorIndex(this.database, source, held);
    // A scan that ends before the filter has let enough rows through is of no use.
    const index = tenant === undefined || found?.isIterative === true ? found : undefined;
    const nearest: Nearest = {
      ...{ source, held, query, tenant, rows, text, columns, index, limit },
      when: 'only where active',
      among: 'candidates',
    };
    const first = limit + Math.max(LEAST_SPARE, Math.ceil(limit * SPARE_SHARE));
    for (const candidates of index === undefined ? [first] : [first, first * MORE]) {
      if (!canGive(index, candidates)) continue;
      const { hits, looked } = await this.#nearest({ ...nearest, limit: candidates });
      if (hits.length >= limit || (index === undefined && looked < candidates))
        return { hits: hits.slice(0, limit), scan: index === undefined ? 'exact' : 'index' };
    }
    const { hits } = await this.#nearest({ ...nearest, among: 'found rows' });
    return { hits, scan: 'exact' };
  }

  async #nearest(nearest: Nearest): Promise<NearestRows> {
    const { query } = nearest;
    const found = await readNearest(this.database, nearest).catch((error: unknown) => this.#explain(error, nearest));
    if (found.active !== undefined && found.active !== query.space)
      throw new SpaceMismatchError(found.active, query.space, 'query');
    return found;
  }

  /** The tables of a space go when it is closed; a column may never have been there. */
  async #explain(error: unknown, { source, query, tenant, columns }: Nearest): Promise<never> {
    if (sqlState(error) === UNDEFINED_TABLE) {
      const { active } = await this.spaces(source.name, tenant);
      if (active.fingerprint !== query.space) throw new SpaceMismatchError(active.fingerprint, query.space, 'query');
    }
    if (sqlState(error) === UNDEFINED_COLUMN) {
      const there = await this.database.rows(
        z.object({ name: z.string() }),
        'SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped',
        [source.table],
      );
      const unknown = columns.find((column) => !there.some(({ name }) => name === column));
      if (unknown !== undefined) throw new RowColumnError(source.name, unknown);
    }
    throw readingError(error, source);
  }
}

/** Without an iterative scan HNSW gives as many as it keeps in sight at most. */
function canGive(index: VectorIndex | undefined, candidates: number): boolean {
  return index === undefined || index.isIterative || candidates <= MAX_EF_SEARCH;
}
