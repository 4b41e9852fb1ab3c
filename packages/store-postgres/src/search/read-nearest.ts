import type { FoundRow } from '@kimera/core';
import { z } from 'zod';
import type { Queryable } from '../sql/queryable.js';
import { nearestStatement, type Nearest } from './nearest-statement.js';

const nearRow = z.object({
  active: z.string(),
  id: z.string().nullable(),
  distance: z.number().nullable(),
  live: z.boolean(),
  stale: z.boolean(),
  text: z.string().nullish(),
  more: z.array(z.string().nullable()).nullish(),
});

export interface NearestRows {
  /** Fingerprint of the active space; undefined where the collection is gone. */
  readonly active: string | undefined;
  readonly hits: readonly FoundRow[];
  /** Vectors that the statement gave, with those whose row may not be shown. */
  readonly looked: number;
}

/** @throws pg's DatabaseError. */
export async function readNearest(sql: Queryable, nearest: Nearest): Promise<NearestRows> {
  const { text, values } = nearestStatement(sql.pgvector, nearest);
  const rows = await sql.rows(nearRow, text, values);
  const hits = rows.flatMap(({ id, distance, live, stale, text: words, more }): readonly FoundRow[] => {
    if (id === null || distance === null || !live || (stale && nearest.rows === 'fresh')) return [];
    const values = more ?? undefined;
    return [
      {
        ...{ id, score: 1 - distance, stale },
        ...(typeof words === 'string' ? { text: words } : {}),
        ...(values === undefined
          ? {}
          : { columns: Object.fromEntries(nearest.columns.map((name, i) => [name, values[i] ?? null])) }),
      },
    ];
  });
  return { active: rows[0]?.active, hits, looked: rows.filter(({ id }) => id !== null).length };
}
