import { openPositioned } from './positioned-file.js';
import { readHeader } from './open-safetensors.js';

/** What a safetensors file declares. */
export interface SafetensorsInspection {
  readonly kind: 'safetensors';
  readonly path: string;
  readonly bytes: number;
  /** `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes; the numbers are not read. */
  readonly tensors: readonly {
    readonly name: string;
    /** The format's own name: `F32`. */
    readonly type: string;
    readonly shape: readonly number[];
    readonly bytes: number;
  }[];
}

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
