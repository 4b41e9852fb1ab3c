import type { SourceRow } from '@kimera/core';
import { z } from 'zod';
import type { Source } from './source.js';

export const sourceRow = z
  .object({ id: z.string(), text: z.string(), hash: z.string() })
  .transform(({ id, text, hash }): SourceRow => ({ id, text, contentHash: hash }));

/** SQL of what {@link sourceRow} reads, the source's rows being `d`. */
export function rowColumns({ key, hash }: Source): string {
  return `${key.text('d')} AS id, d.text, encode(${hash}, 'hex') AS hash`;
}
