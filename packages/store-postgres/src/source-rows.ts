import type { SourceRow } from '@kimera/core';
import { z } from 'zod';
import { reading, type Source } from './source.js';
import type { Queryable } from './sql/queryable.js';

export const sourceRow = z
  .object({ id: z.string(), text: z.string(), hash: z.string() })
  .transform(({ id, text, hash }): SourceRow => ({ id, text, contentHash: hash }));

/** SQL of what {@link sourceRow} reads, the source's rows being `d`. */
export function rowColumns({ key, hash }: Source): string {
  return `${key.text('d')} AS id, d.text, encode(${hash}, 'hex') AS hash`;
}

/** Rows with these ids, in no order; ids that are not there are left out. */
export function readRowsOf(sql: Queryable, source: Source, ids: readonly string[]): Promise<readonly SourceRow[]> {
  const { key, rows } = source;
  return reading(sql, source).rows(
    sourceRow,
    `SELECT ${rowColumns(source)} FROM ${rows} d JOIN ${key.table('asked', 1)} ON ${key.equal('asked', 'd')}`,
    key.arrays(key.storable(ids)),
  );
}
