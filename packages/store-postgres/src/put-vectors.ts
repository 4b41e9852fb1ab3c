import { checkDistinctIds, checkVector, type NewVector, type WriteResult } from '@kimera/core';
import { z } from 'zod';
import { ROWS_PER_STATEMENT } from './limits.js';
import type { HeldSpace, Source } from './source.js';
import type { Queryable } from './sql/queryable.js';
import { storableIds } from './storable.js';
import { encodeVector } from './vector-codec.js';

/**
 * Writes each vector whose row still has the text it was made of, and keeps that row from changing until the
 * transaction ends.
 * @throws DimensionMismatchError, ZeroVectorError, InvalidRowError.
 */
export async function writeFreshVectors(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  vectors: readonly NewVector[],
): Promise<WriteResult> {
  checkDistinctIds(vectors);
  for (const { id, dense } of vectors) checkVector(dense, held.space.dimension, `vector of row ${id}`);
  const fresh = await lockFreshRows(sql, source, vectors);
  const written = vectors.filter(({ id }) => fresh.has(id));
  await putVectors(sql, held, written);
  return { written: written.length, outdated: vectors.length - written.length };
}

/** Ids of rows whose text still has the hash; locked against change in the order of the id. */
export async function lockFreshRows(
  sql: Queryable,
  source: Source,
  rows: readonly { readonly id: string; readonly contentHash: string }[],
): Promise<ReadonlySet<string>> {
  const storable = new Set(storableIds(rows.map(({ id }) => id)));
  const asked = rows.filter(({ id }) => storable.has(id));
  const fresh = await sql.rows(
    z.object({ id: z.string() }),
    `SELECT d.${source.id} AS id FROM ${source.table} d JOIN unnest($1::text[], $2::text[]) AS asked (id, hash) ON asked.id = d.${source.id}
     WHERE ${source.hash} = decode(asked.hash, 'hex') ORDER BY d.${source.id} FOR SHARE OF d`,
    [asked.map(({ id }) => id), asked.map(({ contentHash }) => contentHash)],
  );
  return new Set(fresh.map(({ id }) => id));
}

/** Vectors of rows that this transaction has locked, checked already; their queued change is done. */
export async function putVectors(sql: Queryable, held: HeldSpace, vectors: readonly NewVector[]): Promise<void> {
  for (let start = 0; start < vectors.length; start += ROWS_PER_STATEMENT) {
    const slice = vectors.slice(start, start + ROWS_PER_STATEMENT);
    const tuples = slice.map(
      (_, i) =>
        `($${i * 6 + 2}::text, decode($${i * 6 + 3}::text, 'hex'), $1::text, $${i * 6 + 4}::text, $${i * 6 + 5}::smallint, $${i * 6 + 6}::boolean, $${i * 6 + 7}::vector)`,
    );
    await sql.run(
      `INSERT INTO ${held.vectors} (id, content_hash, space, variant, tokenizer_revision, truncated, embedding) VALUES ${tuples.join(', ')}
       ON CONFLICT (id) DO UPDATE SET content_hash = excluded.content_hash, space = excluded.space, variant = excluded.variant, tokenizer_revision = excluded.tokenizer_revision, truncated = excluded.truncated, embedding = excluded.embedding`,
      [
        held.space.fingerprint,
        ...slice.flatMap(({ id, contentHash, variant: name, tokenizerRevision, truncated, dense }) => [
          id,
          contentHash,
          name,
          tokenizerRevision,
          truncated,
          encodeVector(dense),
        ]),
      ],
    );
    await settle(
      sql,
      held,
      slice.map(({ id }) => id),
    );
  }
}

/** The rows wait no longer: they have their vector, or cannot get one. */
export async function settle(sql: Queryable, held: HeldSpace, ids: readonly string[]): Promise<void> {
  await sql.run(`DELETE FROM ${held.pending} WHERE id = ANY ($1::text[])`, [ids]);
}
