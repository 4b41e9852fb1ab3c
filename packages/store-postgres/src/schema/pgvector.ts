import { reasonOf } from '@kimera/core';
import { z } from 'zod';
import { Pgvector } from '../sql/pgvector.js';
import type { Queryable } from '../sql/queryable.js';
import { isLimitOrShortage, isRaceOfDefinitions } from '../sql/sql-state.js';
import { PgvectorMissingError, PgvectorTooOldError, StoreUnavailableError } from '../errors.js';

/**
 * Older releases are refused: `halfvec`, which indexes of more than 2000 numbers need, is of 0.7.0 (CHANGELOG.md of
 * pgvector). The store's specs run on 0.8.0, 0.8.5 and 0.8.7; 0.7 is accepted untested.
 */
export const LEAST_PGVECTOR = '0.7.0';
/** The oldest that the store's specs run on. */
export const LEAST_TESTED_PGVECTOR = '0.8.0';
/** Builds of HNSW and IVFFlat indexes have known faults before this release (CHANGELOG.md of pgvector). */
export const LEAST_PGVECTOR_FOR_INDEXES = '0.8.4';

/** What is to be known before an index is built, in words; undefined where there is nothing. */
export function indexWarning(version: string): string | undefined {
  return isOlder(version, LEAST_PGVECTOR_FOR_INDEXES)
    ? `pgvector ${version} builds HNSW and IVFFlat indexes with faults that ${LEAST_PGVECTOR_FOR_INDEXES} mends: update it, or search without an index`
    : undefined;
}

/** The extension of this database. @throws PgvectorTooOldError. */
export async function readPgvector(sql: Queryable): Promise<Pgvector | undefined> {
  const row = await sql.row(
    z.object({ schema: z.string(), version: z.string() }),
    `SELECT n.nspname AS schema, e.extversion AS version FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  );
  if (row === undefined) return undefined;
  if (isOlder(row.version, LEAST_PGVECTOR)) throw new PgvectorTooOldError(row.version, LEAST_PGVECTOR);
  return new Pgvector(row.schema, row.version);
}

/** Installs the extension where it is not there. @throws PgvectorMissingError, PgvectorTooOldError. */
export async function ensurePgvector(sql: Queryable): Promise<Pgvector> {
  const present = await readPgvector(sql);
  if (present !== undefined) return present;
  try {
    await sql.run('CREATE EXTENSION IF NOT EXISTS vector');
  } catch (cause) {
    if (isRaceOfDefinitions(cause) || isLimitOrShortage(cause) || cause instanceof StoreUnavailableError) throw cause;
    throw new PgvectorMissingError(reasonOf(cause), { cause });
  }
  const installed = await readPgvector(sql);
  if (installed === undefined) throw new PgvectorMissingError('it is not there after its installation');
  return installed;
}

/** Versions as `0.8.4`, compared number by number. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
