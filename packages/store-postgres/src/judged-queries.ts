import { toWellFormed, type CountedQuery, type LookedAtQuery } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from './sql/queryable.js';

const judgedRow = z
  .object({
    hash: z.string(),
    judgements: z.string(),
    slice: z.string(),
    look: z.int(),
    source_score: z.number(),
    source_best: z.number(),
    source_truncated: z.boolean(),
    target_score: z.number(),
    target_best: z.number(),
    target_truncated: z.boolean(),
  })
  .transform(({ hash, judgements, slice, look, ...row }): LookedAtQuery => ({
    hash,
    judgements,
    slice,
    look,
    source: { score: row.source_score, best: row.source_best, truncated: row.source_truncated },
    target: { score: row.target_score, best: row.target_best, truncated: row.target_truncated },
  }));
const lastLook = z.object({ look: z.int() });

export async function readJudgedQueries(sql: Queryable, migration: string): Promise<readonly LookedAtQuery[]> {
  return sql.rows(
    judgedRow,
    `SELECT encode(hash, 'hex') AS hash, encode(judgements, 'hex') AS judgements, slice, look,
       source_score, source_best, source_truncated, target_score, target_best, target_truncated
     FROM kimera.judged_queries WHERE migration = $1 ORDER BY sequence`,
    [migration],
  );
}

/** To be called while the migration is held: looks are numbered one after the other. */
export async function insertJudgedQueries(
  sql: Queryable,
  migration: string,
  queries: readonly CountedQuery[],
): Promise<number> {
  const look = async (): Promise<number> =>
    (
      await sql.row(lastLook, 'SELECT coalesce(max(look), 0) AS look FROM kimera.judged_queries WHERE migration = $1', [
        migration,
      ])
    )?.look ?? 0;
  const values = queries.map(({ hash, judgements, slice, source, target }) => ({
    hash,
    judgements,
    slice: toWellFormed(slice).replaceAll('\0', ''),
    source_score: source.score,
    source_best: source.best,
    source_truncated: source.truncated,
    target_score: target.score,
    target_best: target.best,
    target_truncated: target.truncated,
  }));
  await sql.run(
    `INSERT INTO kimera.judged_queries (migration, hash, look, judgements, slice, source_score, source_best, source_truncated, target_score, target_best, target_truncated)
     SELECT $1, decode(q->>'hash', 'hex'), $2, decode(q->>'judgements', 'hex'), q->>'slice',
       (q->>'source_score')::double precision, (q->>'source_best')::double precision, (q->>'source_truncated')::boolean,
       (q->>'target_score')::double precision, (q->>'target_best')::double precision, (q->>'target_truncated')::boolean
     FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY AS given (q, place) ORDER BY place
     ON CONFLICT (migration, hash) DO NOTHING`,
    [migration, (await look()) + 1, JSON.stringify(values)],
  );
  return look();
}
