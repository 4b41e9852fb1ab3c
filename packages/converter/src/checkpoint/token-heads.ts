import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import type { TokenHeads } from '@kimera/reference-encoder';
import { UnsupportedModelError, type TensorSource } from '@kimera/tensor-file';
import { openTorch } from '@kimera/torch-file';

export const SPARSE_FILE = 'sparse_linear.pt';
export const COLBERT_FILE = 'colbert_linear.pt';
/** File names of the heads. */
export const HEAD_FILES: readonly string[] = [SPARSE_FILE, COLBERT_FILE];

/** Opens the heads that lie in the folder; the caller closes the sources. @throws the errors of torch files. */
export async function openTokenHeads(
  folder: string,
  hiddenSize: number,
  ignoredIds: () => Promise<readonly number[]>,
  sources: Map<string, TensorSource>,
): Promise<TokenHeads> {
  for (const file of HEAD_FILES) {
    const source = await ifPresent(() => openTorch(join(folder, file)));
    if (source !== undefined) sources.set(file, source);
  }
  const rows = sources.get(COLBERT_FILE)?.shape('weight')?.[0];
  if (rows !== undefined && (rows < 1 || rows > 16_384))
    throw new UnsupportedModelError('the dimension of the ColBERT head', String(rows), [
      `1 to 16384, usually ${hiddenSize}`,
    ]);
  return {
    ...(sources.has(SPARSE_FILE) ? { sparse: { ignoredIds: await ignoredIds() } } : {}),
    ...(sources.has(COLBERT_FILE) ? { colbert: { dimension: rows ?? hiddenSize } } : {}),
  };
}
