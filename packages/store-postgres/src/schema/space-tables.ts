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
 * The vectors of one collection in one space, and the ids of rows that wait for theirs, the oldest first. The foreign
 * keys take both along when a row is deleted, at every isolation level: a snapshot that cannot see a vector yet cannot
 * leave it behind.
 */
export async function createSpaceTables(
  sql: Queryable,
  source: Source,
  { fingerprint, dimension }: EmbeddingSpace,
): Promise<void> {
  const reference = `text COLLATE "C" PRIMARY KEY REFERENCES ${source.table} (${source.id}) ON DELETE CASCADE ON UPDATE CASCADE`;
  await sql.script(`
    CREATE TABLE ${quoted('kimera', vectorsTable(source.name, fingerprint))} (
      id ${reference},
      content_hash bytea NOT NULL,
      space text NOT NULL,
      variant text NOT NULL,
      tokenizer_revision smallint NOT NULL DEFAULT 1,
      truncated boolean NOT NULL,
      embedding vector(${dimension}) NOT NULL
    );
    CREATE TABLE ${quoted('kimera', pendingTable(source.name, fingerprint))} (
      id ${reference},
      sequence bigint GENERATED ALWAYS AS IDENTITY
    );
  `);
}

export async function dropSpaceTables(sql: Queryable, collection: string, space: string): Promise<void> {
  await sql.script(
    `DROP TABLE ${quoted('kimera', vectorsTable(collection, space))}, ${quoted('kimera', pendingTable(collection, space))}`,
  );
}
