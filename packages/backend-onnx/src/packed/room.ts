import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { VariantName } from '@kimera/core';
import type { ServedVariant } from '@kimera/fast-graph';

/**
 * Size of an entry, of the weights in the model folder at most: a matrix is there as it is computed with, and once more
 * packed. Products are in float32 but for 8 bits, so 16 bits take four times, and 4 bits sixteen times as much.
 */
const SIZE: Readonly<Record<VariantName, number>> = { fp32: 2, fp16: 4, int8: 3, q4: 16 };
/** Entries on the disk while one is written: as the runtime writes it, as it is kept, and as much left free. */
const COPIES = 3;
/** Memory of the process that writes, beside the entry. */
const PROCESS_BYTES = 256 << 20;

/** Why there is no room to write packed weights; undefined where there is. */
export async function lackOfRoom(cache: string, { folder, variant }: ServedVariant): Promise<string | undefined> {
  const names = Object.keys(folder.file.files).filter((name) => name.startsWith('onnx/'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder.path, name))).size));
  const bytes = SIZE[variant.name] * sizes.reduce((sum, size) => sum + size, 0);
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize < COPIES * bytes)
    return `${cache} has ${bavail * bsize} bytes left, ${COPIES * bytes} are asked for`;
  const memory = process.availableMemory();
  return memory < PROCESS_BYTES + bytes
    ? `${memory} bytes of memory are left, ${PROCESS_BYTES + bytes} are asked for`
    : undefined;
}
