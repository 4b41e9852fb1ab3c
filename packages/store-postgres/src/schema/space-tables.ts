import { shortFingerprint, type EmbeddingSpace } from '@kimera/core';
import { quoted } from '../sql/identifier.js';
import type { Queryable } from '../sql/queryable.js';
import type { Source } from '../source.js';

/** Beside it a created table's name stays below PostgreSQL's 63 bytes: 41 + 9 + 12. */
export function vectorsTable(collection: string, space: string): string {
  return `${collection}_vectors_${shortFingerprint(space)}`;
}
export function pendingTable(collection: string, space: string): string {
  return `${collection}_pending_${shortFingerprint(space)}`;
}

/**
 * The vectors of one collection in one space, and the log of keys whose rows were inserted, changed or deleted. Neither
 * refers to the source table: what the application does with it meets no constraint of ours. A key may be in the log many
 * times.
 */
export async function createSpaceTables(
  sql: Queryable,
  source: Source,
  { fingerprint, dimension }: EmbeddingSpace,
): Promise<void> {
  const { key, name } = source;
  const pending = quoted('kimera', pendingTable(name, fingerprint));
  await sql.script(`
    CREATE TABLE ${quoted('kimera', vectorsTable(name, fingerprint))} (
      ${key.definition},
      PRIMARY KEY (${key.list}),
      content_hash bytea NOT NULL,
      space text NOT NULL,
      variant text NOT NULL,
      tokenizer_revision smallint NOT NULL DEFAULT 1,
      truncated boolean NOT NULL,
      embedding ${sql.pgvector.name('vector')}(${dimension}) NOT NULL
    );
    CREATE TABLE ${pending} (
      ${key.definition},
      sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX ON ${pending} (${key.list});
  `);
}

export async function dropSpaceTables(sql: Queryable, collection: string, space: string): Promise<void> {
  await sql.script(
    `DROP TABLE ${quoted('kimera', vectorsTable(collection, space))}, ${quoted('kimera', pendingTable(collection, space))}`,
  );
}
