import type { SourceRow } from '@kimera/core';
import { z } from 'zod';
import type { Source } from './source.js';

export const sourceRow = z
  .object({ id: z.string(), text: z.string(), hash: z.string() })
  .transform(({ id, text, hash }): SourceRow => ({ id, text, contentHash: hash }));

/** SQL of what {@link sourceRow} reads, the table being `d`. */
export function rowColumns(source: Source): string {
  return `d.${source.id} AS id, d.${source.text} AS text, encode(${source.hash}, 'hex') AS hash`;
}
