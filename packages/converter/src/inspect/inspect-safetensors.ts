import { open } from 'node:fs/promises';
import { z } from 'zod';
import { openSafetensors } from '../checkpoint/safetensors.js';
import type { SafetensorsInspection } from './inspection.js';

const entrySchema = z.object({ dtype: z.string(), shape: z.array(z.int()), data_offsets: z.tuple([z.int(), z.int()]) });
const metadataSchema = z.record(z.string(), z.string());

/** What a safetensors file declares, after all checks of {@link openSafetensors}. @throws InvalidCheckpointError, and the file system's errors. */
export async function inspectSafetensors(path: string): Promise<SafetensorsInspection> {
  await (await openSafetensors(path)).close();
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Buffer.alloc(8);
    await file.read(length, 0, 8, 0);
    const bytes = Buffer.alloc(Number(length.readBigUInt64LE()));
    await file.read(bytes, 0, bytes.length, 8);
    const { __metadata__: metadata = {}, ...entries } = z.record(z.string(), z.unknown()).parse(JSON.parse(bytes.toString('utf8')));
    const tensors = Object.entries(entries)
      .map(([name, value]) => ({ name, ...entrySchema.parse(value) }))
      .sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1])
      .map(({ name, dtype, shape, data_offsets: [from, to] }) => ({ name, type: dtype, shape, bytes: to - from }));
    return { kind: 'safetensors', path, bytes: size, metadata: metadataSchema.parse(metadata), tensors };
  } finally {
    await file.close();
  }
}
