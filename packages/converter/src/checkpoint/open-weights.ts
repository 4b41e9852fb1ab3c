import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { CheckpointFileMissingError, openSafetensors, openSharded, type TensorSource } from '@kimera/tensor-file';
import { openTorch, VERIFY_ALL, type Checksums } from '@kimera/torch-file';

/**
 * Where weights lie, the first that is there is taken (the order of transformers 4.57, modeling_utils.py
 * `_get_resolved_checkpoint_files`).
 */
const LAYOUTS: readonly {
  readonly file: string;
  readonly open: (path: string, checksums: Checksums) => Promise<TensorSource>;
}[] = [
  { file: 'model.safetensors', open: openSafetensors },
  { file: 'model.safetensors.index.json', open: (path) => openSharded(path, openSafetensors) },
  { file: 'pytorch_model.bin', open: openTorch },
  {
    file: 'pytorch_model.bin.index.json',
    open: (path, checksums) => openSharded(path, (shard) => openTorch(shard, checksums)),
  },
];

/** Names of the files that weights are looked for in, in the order of preference. */
export const WEIGHT_FILES: readonly string[] = LAYOUTS.map(({ file }) => file);

/** @throws CheckpointFileMissingError, and the errors of the formats. */
export async function openWeights(folder: string, checksums: Checksums = VERIFY_ALL): Promise<TensorSource> {
  for (const { file, open } of LAYOUTS) {
    const source = await ifPresent(() => open(join(folder, file), checksums));
    if (source !== undefined) return source;
  }
  throw new CheckpointFileMissingError(folder, WEIGHT_FILES.join(', '));
}
