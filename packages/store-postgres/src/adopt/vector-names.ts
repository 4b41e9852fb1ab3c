import { z } from 'zod';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';

/** pgvector's names for SQL: its extension may lie in any schema. */
export interface VectorNames {
  /** `"public"."vector"` */
  readonly vector: string;
  readonly halfvec: string;
  /** A function: the binary form of a vector. */
  readonly send: string;
}

export async function readVectorNames(sql: Queryable): Promise<VectorNames> {
  const row = await sql.row(
    z.object({ schema: z.string() }),
    `SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  );
  const name = (of: string): string => quoted(row?.schema ?? 'public', of);
  return { vector: name('vector'), halfvec: name('halfvec'), send: name('vector_send') };
}
