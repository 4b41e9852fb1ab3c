import type { OldVector } from '@kimera/core';
import { z } from 'zod';
import { Key } from '../key.js';
import type { Database } from '../sql/database.js';
import { quoted } from '../sql/identifier.js';
import type { AdoptableTable } from './check-adoption.js';
import { keyColumn } from './column-types.js';
import { decodeOldVector, readOldVector } from './old-vector-codec.js';
import type { VectorStorage } from './table-description.js';

export const oldRow = z.object({
  id: z.string(),
  text: z.string(),
  hash: z.string(),
  value: z.union([z.instanceof(Buffer), z.string()]).nullable(),
});

/** The same rows for one seed, of those that have a text and a value in the vector column. */
export async function sampleVectors(
  database: Database,
  { table, key: columns, text, vector }: AdoptableTable,
  count: number,
  seed: number,
): Promise<readonly OldVector[]> {
  if (vector === null) return [];
  const key = new Key(columns.map(keyColumn));
  const value = quoted(vector.column);
  const rows = await database.rows(
    oldRow,
    `SELECT ${key.text('d')} AS id, d.text, encode(sha256(convert_to(d.text, 'UTF8')), 'hex') AS hash, ${readOldVector(vector.storage, 'd.value', database.pgvector)} AS value
     FROM (SELECT ${key.selected}, (${text})::text AS text, ${value} AS value FROM ${quoted(table.schema, table.name)} WHERE (${text}) IS NOT NULL AND ${value} IS NOT NULL) d
     ORDER BY sha256(convert_to($1::text || ':' || ${key.text('d')}, 'UTF8')) LIMIT $2`,
    [String(seed), count],
  );
  return rows.map((row) => asOldVector(row, vector.storage, null));
}

export function asOldVector(
  { id, text, hash, value }: z.infer<typeof oldRow>,
  storage: VectorStorage,
  dimension: number | null,
): OldVector {
  const row = { id, text, contentHash: hash };
  return value === null
    ? { ...row, dense: null, problem: 'NULL' }
    : { ...row, ...decodeOldVector(storage, value, dimension) };
}
