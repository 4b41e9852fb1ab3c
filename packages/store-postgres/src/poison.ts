import type { PoisonRecord, PoisonRow } from '@kimera/core';
import { z } from 'zod';
import { lockFreshRows, settle } from './put-vectors.js';
import { reading, readSpace, readSpaces, type HeldSpace, type Source } from './source.js';
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
  await noteFailedRows(sql, source, held, rows, {
    into: 'kimera.poison AS p (migration, space, id, content_hash, reason)',
    owner: migration,
    again: `(migration, space, id) DO UPDATE SET
       content_hash = excluded.content_hash, reason = excluded.reason, excused = p.excused AND p.content_hash = excluded.content_hash`,
  });
}

/** The same outside of a migration: such a row blocks nothing, and is taken up again once its text is another. */
export async function setRowsAside(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  rows: readonly PoisonRow[],
): Promise<void> {
  await noteFailedRows(sql, source, held, rows, {
    into: 'kimera.rows_set_aside (collection, space, id, content_hash, reason)',
    owner: source.name,
    again: '(collection, space, id) DO UPDATE SET content_hash = excluded.content_hash, reason = excluded.reason',
  });
}

interface FailureNotes {
  /** Table with its columns, the owner's first. */
  readonly into: string;
  readonly owner: string;
  /** What ON CONFLICT says where the row is noted already. */
  readonly again: string;
}

async function noteFailedRows(
  sql: Queryable,
  source: Source,
  held: HeldSpace,
  rows: readonly PoisonRow[],
  { into, owner, again }: FailureNotes,
): Promise<void> {
  const fresh = await lockFreshRows(sql, source, rows);
  const failed = rows.filter(({ id }) => fresh.has(id));
  const ids = failed.map(({ id }) => id);
  await sql.run(
    `INSERT INTO ${into}
     SELECT $1, $2, id, decode(hash, 'hex'), reason FROM unnest($3::text[], $4::text[], $5::text[]) AS failed (id, hash, reason) ORDER BY id
     ON CONFLICT ${again}`,
    [
      owner,
      held.space.fingerprint,
      ids,
      failed.map(({ contentHash }) => contentHash),
      failed.map(({ reason }) => reason.replaceAll('\0', '')),
    ],
  );
  await settle(sql, source.key, held, ids);
}

/**
 * Rows whose text is still the one that failed, and has got no vector since, in the spaces that are still held.
 */
export async function readPoison(sql: Queryable, migration: string, source: Source): Promise<readonly PoisonRecord[]> {
  const records: PoisonRecord[] = [];
  for (const { fingerprint } of await readSpaces(sql, source.name)) {
    const { vectors } = await readSpace(sql, source.name, fingerprint);
    const noted = await sql.rows(
      poisonRow,
      `SELECT id, space, encode(content_hash, 'hex') AS hash, reason, excused FROM kimera.poison WHERE migration = $1 AND space = $2 ORDER BY id`,
      [migration, fingerprint],
    );
    const open = await rowsWithoutVector(sql, source, vectors, noted);
    records.push(...noted.filter(({ id }) => open.has(id)));
  }
  return records;
}

/** Ids of rows whose text still has the hash and has no vector. */
async function rowsWithoutVector(
  sql: Queryable,
  source: Source,
  vectors: string,
  noted: readonly PoisonRecord[],
): Promise<ReadonlySet<string>> {
  const { key, rows, hash } = source;
  const storable = new Set(key.storable(noted.map(({ id }) => id)));
  const asked = noted.filter(({ id }) => storable.has(id));
  const open = await reading(sql, source).rows(
    z.object({ id: z.string() }),
    `SELECT ${key.text('d')} AS id FROM unnest(${[...key.lists(2), '$1::text[]'].join(', ')}) AS asked (${key.list}, hash)
     JOIN ${rows} d ON ${key.equal('d', 'asked')} AND ${hash} = decode(asked.hash, 'hex')
     WHERE NOT EXISTS (SELECT FROM ${vectors} v WHERE ${key.equal('v', 'd')} AND v.content_hash = ${hash})`,
    [asked.map(({ contentHash }) => contentHash), ...key.arrays(asked.map(({ id }) => id))],
  );
  return new Set(open.map(({ id }) => id));
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
