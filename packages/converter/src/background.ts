import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorTable } from '@kimera/core';
import { fileSha256 } from '@kimera/model-folder';
import { embedTexts, type ReferenceOutput, type ReferenceText } from '@kimera/reference-encoder';
import { NotFiniteError } from '@kimera/tensor-file';
import { tokenizerIdentity } from '@kimera/tokenizers';
import { WorkerPool } from '@kimera/worker-pool';
import type { Checkpoint, CheckpointChoices } from './checkpoint/checkpoint.js';
import type { CheckpointModel } from './model/checkpoint-model.js';

/** The slow parts of a conversion. They run in a worker thread where the model is large. */
export interface Background {
  /** SHA-256 of a file, lower-case hex. */
  hashFile(path: string): Promise<string>;
  /** @see tokenizerIdentity */
  identifyTokenizer(json: string): Promise<string>;
  /** The float64 forward pass. It reads the checkpoint without verifying its checksums. */
  embedAll(model: CheckpointModel, texts: readonly ReferenceText[]): Promise<readonly ReferenceOutput[]>;
  /** May be called more than once. */
  close(): Promise<void>;
}

/** The thread for slow parts of a conversion, as built. */
const BACKGROUND_WORKER = new URL('../dist/background-worker.js', import.meta.url);

/** What it is asked for. */
export type BackgroundRequest =
  | { readonly kind: 'hash-file'; readonly path: string }
  | { readonly kind: 'identify-tokenizer'; readonly json: string }
  | ({ readonly kind: 'embed'; readonly texts: readonly ReferenceText[]; readonly choices: CheckpointChoices } & Pick<
      Checkpoint,
      'folder' | 'heads'
    >);

/** From this size of the weights on a thread is started, which takes about half a second: 100 million float32. */
const LARGE_BYTES = 400e6;
const WEIGHT_FILES = /\.(bin|pt|safetensors)$/;

/** Errors that reading the weights may give. All others come up in the caller's thread, which opens the same files. */
const errors: ErrorTable = {
  TENSOR_NOT_FINITE: ({ fields }) => new NotFiniteError(String(fields['tensor']), Number(fields['index'])),
};

/**
 * A thread where the checkpoint in the folder is large, which starts meanwhile; the caller's own where it is small. An
 * aborted signal ends it: calls under way reject with ClosedError.
 */
export async function openBackground(
  folder: string,
  choices: CheckpointChoices,
  signal: AbortSignal | undefined,
): Promise<Background> {
  if ((await weightBytes(folder)) < LARGE_BYTES)
    return {
      hashFile: fileSha256,
      identifyTokenizer: tokenizerIdentity,
      embedAll: (model, texts) => embedTexts(model.reference(), texts),
      close: () => Promise.resolve(),
    };
  const opening = WorkerPool.open({
    name: 'converter',
    module: BACKGROUND_WORKER,
    data: undefined,
    size: 1,
    errors,
  });
  const call = async (request: BackgroundRequest): Promise<unknown> => (await opening).call(request);
  // A start that failed rejects every call.
  const closePool = (): Promise<void> =>
    opening.then(
      (pool) => pool.close(),
      () => undefined,
    );
  const abort = (): void => void closePool();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    hashFile: (path) => call({ kind: 'hash-file', path }) as Promise<string>,
    identifyTokenizer: (json) => call({ kind: 'identify-tokenizer', json }) as Promise<string>,
    embedAll: ({ checkpoint: { folder: from, heads } }, texts) =>
      call({ kind: 'embed', folder: from, choices, heads, texts }) as Promise<readonly ReferenceOutput[]>,
    async close() {
      signal?.removeEventListener('abort', abort);
      await closePool();
    },
  };
}

/**
 * Bytes of all files in the folder that may hold weights; a file that is not there counts 0. If it is needed, opening
 * the checkpoint fails with the right error.
 */
async function weightBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names
    .filter((name) => WEIGHT_FILES.test(name))
    .map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
