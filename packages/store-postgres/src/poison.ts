import type { PoisonRecord, PoisonRow } from '@kimera/core';
import { z } from 'zod';
import { lockFreshRows, settle } from './put-vectors.js';
import { readSpace, readSpaces, type HeldSpace, type Source } from './source.js';
import type { Queryable } from './sql/queryable.js';

const poisonRow = z
  .object({ id: z.string(), space: z.string(), hash: z.string(), reason: z.string(), excused: z.boolean() })
  .transform(({ id, space, hash, reason, excused }): PoisonRecord => ({
    id,
    space,
    contentHash: hash,
    reason,
    excused: excused ? 'yes' : 'no',
  }));

/** Only rows whose text is still the one that failed; excused ones stay so. They no longer wait. */
export async function recordPoison(
  sql: Queryable,
  migration: string,
  source: Source,
  held: HeldSpace,
  rows: readonly PoisonRow[],
): Promise<void> {
  const fresh = await lockFreshRows(sql, source, rows);
  const failed = rows.filter(({ id }) => fresh.has(id));
  await sql.run(
    `INSERT INTO kimera.poison AS p (migration, space, id, content_hash, reason)
     SELECT $1, $2, id, decode(hash, 'hex'), reason FROM unnest($3::text[], $4::text[], $5::text[]) AS failed (id, hash, reason)
     ON CONFLICT (migration, space, id) DO UPDATE SET
       content_hash = excluded.content_hash, reason = excluded.reason, excused = p.excused AND p.content_hash = excluded.content_hash`,
    [
      migration,
      held.space.fingerprint,
      failed.map(({ id }) => id),
      failed.map(({ contentHash }) => contentHash),
      failed.map(({ reason }) => reason.replaceAll('\0', '')),
    ],
  );
  await settle(
    sql,
    held,
    failed.map(({ id }) => id),
  );
}

/**
 * Rows whose text is still the one that failed, and that have got no vector since, in the spaces that are still held.
 */
export async function readPoison(sql: Queryable, migration: string, source: Source): Promise<readonly PoisonRecord[]> {
  const records: PoisonRecord[] = [];
  for (const { fingerprint } of await readSpaces(sql, source.name)) {
    const { vectors } = await readSpace(sql, source.name, fingerprint);
    records.push(
      ...(await sql.rows(
        poisonRow,
        `SELECT p.id, p.space, encode(p.content_hash, 'hex') AS hash, p.reason, p.excused FROM kimera.poison p JOIN ${source.table} d ON d.${source.id} = p.id
         WHERE p.migration = $1 AND p.space = $2 AND p.content_hash = ${source.hash} AND NOT EXISTS (SELECT FROM ${vectors} v WHERE v.id = p.id) ORDER BY p.id`,
        [migration, fingerprint],
      )),
    );
  }
  return records;
}

/** Returns the ids of rows that were not excused before. */
export async function excusePoison(
  sql: Queryable,
  migration: string,
  source: Source,
  ids: readonly string[],
): Promise<readonly string[]> {
  const blocking = (await readPoison(sql, migration, source)).filter(
    ({ id, excused }) => ids.includes(id) && excused === 'no',
  );
  const excused = [...new Set(blocking.map(({ id }) => id))];
  await sql.run('UPDATE kimera.poison SET excused = true WHERE migration = $1 AND id = ANY ($2::text[])', [
    migration,
    excused,
  ]);
  return excused;
}
