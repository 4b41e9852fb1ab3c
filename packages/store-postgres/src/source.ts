import { UnknownCollectionError, UnknownSpaceError, type EmbeddingSpace } from '@kimera/core';
import { z } from 'zod';
import { parseSpace } from './parse-space.js';
import { quoted } from './sql/identifier.js';
import type { Queryable } from './sql/queryable.js';

/** The table of a collection; names are quoted for SQL. */
export interface Source {
  /** Of the collection. */
  readonly name: string;
  /** For people: `public.docs`. */
  readonly title: string;
  readonly table: string;
  readonly id: string;
  readonly text: string;
  /** SQL of a row's content hash, the table being `d`. */
  readonly hash: string;
  /** Fingerprint. */
  readonly activeSpace: string;
}

/** A space that a collection has vectors in, with its tables, quoted for SQL. */
export interface HeldSpace {
  readonly space: EmbeddingSpace;
  readonly vectors: string;
  readonly pending: string;
}

const sourceRow = z.object({
  source_schema: z.string(),
  source_table: z.string(),
  id_column: z.string(),
  text_column: z.string(),
  space: z.string(),
});
const heldRow = z.object({ space: z.unknown(), vectors_table: z.string(), pending_table: z.string() });

/** @throws UnknownCollectionError. */
export async function readSource(sql: Queryable, name: string): Promise<Source> {
  const row = await sql.row(
    sourceRow,
    `SELECT source_schema, source_table, id_column, text_column, p.space FROM kimera.collections c JOIN kimera.pointers p ON p.collection = c.name AND p.tenant = '' WHERE c.name = $1`,
    [name],
  );
  if (row === undefined) throw new UnknownCollectionError(name, await collectionNames(sql));
  return sourceOf(name, row);
}

export async function collectionNames(sql: Queryable): Promise<readonly string[]> {
  const rows = await sql.rows(z.object({ name: z.string() }), 'SELECT name FROM kimera.collections ORDER BY name');
  return rows.map(({ name }) => name);
}

export function sourceOf(
  name: string,
  { source_schema, source_table, id_column, text_column, space }: z.infer<typeof sourceRow>,
): Source {
  return {
    name,
    title: `${source_schema}.${source_table}`,
    table: quoted(source_schema, source_table),
    id: quoted(id_column),
    text: quoted(text_column),
    hash: `sha256(convert_to(d.${quoted(text_column)}, 'UTF8'))`,
    activeSpace: space,
  };
}

/** `held` keeps the space from being closed until the transaction ends. @throws UnknownSpaceError. */
export async function readSpace(
  sql: Queryable,
  collection: string,
  fingerprint: string,
  locking: 'free' | 'held' = 'free',
): Promise<HeldSpace> {
  const row = await sql.row(
    heldRow,
    `SELECT s.space, vectors_table, pending_table FROM kimera.collection_spaces h JOIN kimera.spaces s ON s.fingerprint = h.space
     WHERE h.collection = $1 AND h.space = $2 ${locking === 'held' ? 'FOR KEY SHARE OF h' : ''}`,
    [collection, fingerprint],
  );
  if (row === undefined) throw new UnknownSpaceError(collection, fingerprint);
  return {
    space: parseSpace(row.space),
    vectors: quoted('kimera', row.vectors_table),
    pending: quoted('kimera', row.pending_table),
  };
}

/** In the order in which they were opened. */
export async function readSpaces(sql: Queryable, collection: string): Promise<readonly EmbeddingSpace[]> {
  const rows = await sql.rows(
    z.object({ space: z.unknown() }),
    'SELECT s.space FROM kimera.collection_spaces h JOIN kimera.spaces s ON s.fingerprint = h.space WHERE h.collection = $1 ORDER BY h.sequence',
    [collection],
  );
  return rows.map(({ space }) => parseSpace(space));
}
