import { statfs } from 'node:fs/promises';
import type { StoreCapacity } from '@kimera/core';
import { MAX_DIMENSION } from './vector-codec.js';

/**
 * Of a vector's row beside its numbers: headers, id, hash, fingerprint, the primary key's index; measured
 * (capacity.spec.ts).
 */
const ROW_BYTES = 330;
/** pgvector keeps longer values out of line, in chunks of about 2 kB. */
const INLINE_NUMBERS = 500;
/** Pages of 8 kB are not filled by rows, and less by chunks, of this size; measured. */
const PAGE_FACTOR = { inline: 1.2, outOfLine: 1.35 };

export class PostgresCapacity implements StoreCapacity {
  readonly maxDimension = MAX_DIMENSION;

  /** `folder`: where an embedded database lies. */
  constructor(private readonly folder: string | undefined) {}

  estimateBytes(rows: number, dimension: number): number {
    const numbers = dimension * Float32Array.BYTES_PER_ELEMENT;
    return Math.ceil(
      rows * (ROW_BYTES + numbers * (dimension > INLINE_NUMBERS ? PAGE_FACTOR.outOfLine : PAGE_FACTOR.inline)),
    );
  }

  async freeBytes(): Promise<number | undefined> {
    if (this.folder === undefined) return undefined;
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }
}
