import type { FileHandle } from 'node:fs/promises';
import type { SyntheticTensor } from './synthetic-tensor.js';

/**
 * Writes random tensors into an open file, a few MB at a time. @param path for messages. @param onBytes how many more
 * are written.
 */
export type WriteTensors = (
  file: FileHandle,
  path: string,
  tensors: readonly SyntheticTensor[],
  seed: number,
  onBytes: (bytes: number) => void,
) => Promise<void>;
