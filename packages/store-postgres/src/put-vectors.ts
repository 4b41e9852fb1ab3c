import { checkDistinctIds, checkVector, type NewVector, type WriteResult } from '@kimera/core';
import { z } from 'zod';
import { mirrorVectors } from './in-place/mirror.js';
import type { Key } from './key.js';
import { ROWS_PER_STATEMENT } from './limits.js';
import { reading, type HeldSpace, type Source } from './source.js';
import type { Queryable } from './sql/queryable.js';
import { encodeVector } from './vector-codec.js';

const VALUES_BESIDE_KEY = 5;

/** `truncated`: of the written. */
interface FreshResult extends WriteResult {
  readonly truncated: number;
}

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
): Promise<FreshResult> {
  checkDistinctIds(vectors);
  for (const { id, dense } of vectors) checkVector(dense, held.space.dimension, `vector of row ${id}`);
  // A row that is written as well is locked as a write does: two that share it could not go on.
  const fresh = await lockFreshRows(sql, source, vectors, held.mirror === null ? 'SHARE' : 'NO KEY UPDATE');
  const written = vectors.filter(({ id }) => fresh.has(id));
  await putVectors(sql, source, held, written);
  return {
    written: written.length,
    outdated: vectors.length - written.length,
    truncated: written.filter(({ truncated }) => truncated).length,
  };
}

/** Ids of rows whose text still has the hash; locked against change in the order of the key. */
export async function lockFreshRows(
  sql: Queryable,
  source: Source,
  rows: readonly { readonly id: string; readonly contentHash: string }[],
  strength: 'SHARE' | 'NO KEY UPDATE' = 'SHARE',
): Promise<ReadonlySet<string>> {
  const { key } = source;
  const storable = new Set(key.storable(rows.map(({ id }) => id)));
  const asked = rows.filter(({ id }) => storable.has(id));
  const fresh = await reading(sql, source).rows(
    z.object({ id: z.string() }),
    `SELECT ${key.text('d')} AS id FROM ${source.rows} d
     JOIN unnest(${[...key.lists(2), '$1::text[]'].join(', ')}) AS asked (${key.list}, hash) ON ${key.equal('asked', 'd')}
     WHERE ${source.hash} = decode(asked.hash, 'hex') ORDER BY ${key.of('d')} FOR ${strength} OF d`,
    [asked.map(({ contentHash }) => contentHash), ...key.arrays(asked.map(({ id }) => id))],
  );
  return new Set(fresh.map(({ id }) => id));
}

/** Vectors of rows that this transaction has locked, checked already; their queued change is done. */
export async function putVectors(
  sql: Queryable,
  source: Pick<Source, 'name' | 'key' | 'table'>,
  held: HeldSpace,
  vectors: readonly NewVector[],
): Promise<void> {
  const { key } = source;
  const width = key.names.length + VALUES_BESIDE_KEY;
  for (let start = 0; start < vectors.length; start += ROWS_PER_STATEMENT) {
    const slice = vectors.slice(start, start + ROWS_PER_STATEMENT);
    const tuples = slice.map((_, i) => {
      const first = 2 + i * width;
      const after = (place: number): string => `$${first + key.names.length + place}`;
      return `(${key.scalars(first).join(', ')}, decode(${after(0)}::text, 'hex'), $1::text, ${after(1)}::text, ${after(2)}::smallint, ${after(3)}::boolean, ${after(4)}::${sql.pgvector.name('vector')})`;
    });
    await sql.run(
      `INSERT INTO ${held.vectors} (${key.list}, content_hash, space, variant, tokenizer_revision, truncated, embedding) VALUES ${tuples.join(', ')}
       ON CONFLICT (${key.list}) DO UPDATE SET content_hash = excluded.content_hash, space = excluded.space, variant = excluded.variant, tokenizer_revision = excluded.tokenizer_revision, truncated = excluded.truncated, embedding = excluded.embedding`,
      [
        held.space.fingerprint,
        ...slice.flatMap(({ id, contentHash, variant: name, tokenizerRevision, truncated, dense }) => [
          ...key.values(id),
          contentHash,
          name,
          tokenizerRevision,
          truncated,
          encodeVector(dense),
        ]),
      ],
    );
    const ids = slice.map(({ id }) => id);
    await mirrorVectors(sql, source, held, ids);
    await settle(sql, key, held, ids);
  }
}

/**
 * The rows wait no longer: they have their vector, or cannot get one. This transaction has locked them: what the log
 * has of them by now is older than that.
 */
export async function settle(sql: Queryable, key: Key, held: HeldSpace, ids: readonly string[]): Promise<void> {
  await sql.run(
    `DELETE FROM ${held.pending} p USING ${key.table('done', 1)} WHERE ${key.equal('p', 'done')}`,
    key.arrays(ids),
  );
}
