import { openPositioned } from '../checkpoint/positioned-file.js';
import { readHeader } from '../checkpoint/safetensors.js';
import type { SafetensorsInspection } from './inspection.js';

/**
 * What a safetensors file declares, after all checks of its header. @throws InvalidCheckpointError, LfsPointerError,
 * and the file system's errors.
 */
export async function inspectSafetensors(path: string): Promise<SafetensorsInspection> {
  const file = await openPositioned(path);
  try {
    const { metadata, entries } = await readHeader(file);
    const tensors = [...entries]
      .sort(([, a], [, b]) => a.from - b.from || a.to - b.to)
      .map(([name, { type, shape, from, to }]) => ({ name, type, shape, bytes: to - from }));
    return { kind: 'safetensors', path, bytes: file.size, metadata, tensors };
  } finally {
    await file.close();
  }
}
