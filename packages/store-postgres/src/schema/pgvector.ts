import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import { PgvectorMissingError, PgvectorTooOldError } from '../errors.js';

/**
 * Older releases are refused. A floor by choice: the store builds no index, and `<=>` and `vector_norm`, which it calls,
 * are older. The embedded database brings 0.8.7 (vector.control in @electric-sql/pglite-pgvector 0.0.15).
 */
export const LEAST_PGVECTOR = '0.8.4';

/** Installs the extension where it is not there. @throws PgvectorMissingError, PgvectorTooOldError. */
export async function ensurePgvector(sql: Queryable): Promise<void> {
  const version = (await installed(sql)) ?? (await install(sql));
  if (isOlder(version, LEAST_PGVECTOR)) throw new PgvectorTooOldError(version, LEAST_PGVECTOR);
}

async function installed(sql: Queryable): Promise<string | undefined> {
  return (
    await sql.row(z.object({ extversion: z.string() }), `SELECT extversion FROM pg_extension WHERE extname = 'vector'`)
  )?.extversion;
}

async function install(sql: Queryable): Promise<string> {
  try {
    await sql.run('CREATE EXTENSION IF NOT EXISTS vector');
  } catch (cause) {
    throw new PgvectorMissingError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const version = await installed(sql);
  if (version === undefined) throw new PgvectorMissingError('it is not there after its installation');
  return version;
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
