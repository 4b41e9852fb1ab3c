import { mkdir, open, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { tensorBytes } from '@kimera/safetensors';
import { DiskSpaceError, writeFolder } from '@kimera/converter';
import { BGE_M3_CONFIG, BGE_M3_FILES, BGE_M3_HEADS, bgeM3Tensors } from './bge-m3.js';
import type { SyntheticTensor, WriteTensors } from './synthetic-tensor.js';
import { writeSafetensors } from './write-safetensors.js';
import { writeTorchZip } from './write-torch-zip.js';

/** How the encoder's weights are written; the heads are torch files in both, as FlagEmbedding saves them. */
export const SYNTHETIC_FORMATS = {
  bin: { file: 'pytorch_model.bin', write: writeTorchZip },
  safetensors: { file: 'model.safetensors', write: writeSafetensors },
} as const;
export type SyntheticFormat = keyof typeof SYNTHETIC_FORMATS;

export interface SynthesizeOptions {
  /** Folder to write; must not exist. */
  readonly out: string;
  readonly format: SyntheticFormat;
  /** 1 to 24, as bge-m3 has. */
  readonly layers: number;
  readonly seed: number;
  /** tokenizer.json, taken as it is. */
  readonly tokenizerJson: string;
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * A checkpoint of bge-m3's files, names and sizes with random weights: for measuring speed, memory and limits where the
 * real one is not at hand.
 * Its vectors mean nothing. Equal options give equal bytes. The folder appears whole or not at all.
 * @throws OutputExistsError, DiskSpaceError, the signal's reason; nothing is left then.
 */
export async function synthesizeBgeM3(options: SynthesizeOptions): Promise<{ readonly bytes: number }> {
  const { format, layers, tokenizerJson } = options;
  const out = resolve(options.out);
  const { file, write } = SYNTHETIC_FORMATS[format];
  const weights: readonly (readonly [string, WriteTensors, readonly SyntheticTensor[]])[] = [
    [file, write, bgeM3Tensors(layers)],
    ...Object.entries(BGE_M3_HEADS).map(([name, tensors]) => [name, writeTorchZip, tensors] as const),
  ];
  const totalBytes = weights.reduce(
    (sum, [, , tensors]) => sum + tensors.reduce((part, tensor) => part + tensorBytes(tensor), 0),
    0,
  );
  return writeFolder(out, async (partial) => {
    await mkdir(dirname(out), { recursive: true });
    const { bavail, bsize } = await statfs(dirname(out));
    if (bavail * bsize < totalBytes + (64 << 20))
      throw new DiskSpaceError(dirname(out), totalBytes + (64 << 20), bavail * bsize);
    await mkdir(join(partial, '1_Pooling'), { recursive: true });
    const json = { 'config.json': { ...BGE_M3_CONFIG, num_hidden_layers: layers }, ...BGE_M3_FILES };
    for (const [name, value] of Object.entries(json))
      await writeFile(join(partial, name), `${JSON.stringify(value, null, 2)}\n`);
    await writeFile(join(partial, 'tokenizer.json'), tokenizerJson);
    await writeWeights(partial, weights, totalBytes, options);
    return { bytes: totalBytes };
  });
}

async function writeWeights(
  folder: string,
  weights: readonly (readonly [string, WriteTensors, readonly SyntheticTensor[]])[],
  totalBytes: number,
  { seed, onProgress, signal }: SynthesizeOptions,
): Promise<void> {
  let bytes = 0;
  for (const [name, write, tensors] of weights) {
    const file = await open(join(folder, name), 'w');
    try {
      await write(file, name, tensors, seed, (more) => {
        signal?.throwIfAborted();
        onProgress?.({ bytes: (bytes += more), totalBytes });
      });
    } finally {
      await file.close();
    }
  }
}
