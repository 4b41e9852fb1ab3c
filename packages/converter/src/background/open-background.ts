import { availableParallelism } from 'node:os';
import { InvalidZipError } from '../errors/torch-errors.js';
import { NotFiniteError } from '../errors/checkpoint-errors.js';
import { fileSha256 } from '@kimera/model-folder';
import { WorkerPool } from '@kimera/worker-pool';
import type { ErrorTable } from '@kimera/core';
import { elementCount } from '../checkpoint/tensor-source.js';
import type { ReferenceModel, ReferenceOutput, ReferenceText } from '../reference/reference-model.js';
import type { ConvertOptions } from '../convert/convert-checkpoint.js';
import type { Background } from './background.js';
import type { BackgroundRequest, WorkerData } from './messages.js';

/** Weights of a model that is worth the start of threads, about half a second. */
const LARGE_ELEMENTS = 100_000_000;

/** What reading the weights may find; the rest is refused before any thread starts. */
const errors: ErrorTable = {
  INVALID_ZIP: ({ fields }) => new InvalidZipError(String(fields['file']), String(fields['reason'])),
  TENSOR_NOT_FINITE: ({ fields }) => new NotFiniteError(String(fields['tensor']), Number(fields['index'])),
};

/** Threads where the model is large, which start meanwhile, the caller's thread where it is small. An aborted signal ends the threads: calls under way reject with ClosedError. */
export function openBackground(model: ReferenceModel, { signal, vouched = {} }: Pick<ConvertOptions, 'signal' | 'vouched'>): Background {
  const elements = model.plans().reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (elements < LARGE_ELEMENTS) {
    return { hashFile: fileSha256, hashWeights: () => model.weightsHash(), embedAll: (texts) => model.embedAll(texts), close: () => Promise.resolve() };
  }
  const data: WorkerData = { checkpoint: model.checkpoint.folder, heads: model.checkpoint.heads, vouched: Object.keys(vouched) };
  const size = Math.min(3, availableParallelism());
  const opening = WorkerPool.open({ name: 'converter', module: new URL('./background-worker.ts', import.meta.url), data, size, errors });
  const call = async (request: BackgroundRequest): Promise<unknown> => (await opening).call(request);
  // A start that failed rejects every call.
  const closePool = (): Promise<void> => opening.then((pool) => pool.close(), () => undefined);
  const abort = (): void => void closePool();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    hashFile: (path) => call({ kind: 'hash-file', path }) as Promise<string>,
    hashWeights: () => call({ kind: 'hash-weights' }) as Promise<string>,
    embedAll: (texts: readonly ReferenceText[]) => call({ kind: 'embed', texts }) as Promise<readonly ReferenceOutput[]>,
    async close() {
      signal?.removeEventListener('abort', abort);
      await closePool();
    },
  };
}
