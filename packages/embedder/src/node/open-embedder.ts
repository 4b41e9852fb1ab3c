import { join } from 'node:path';
import { DimensionMismatchError, type InferenceBackend } from '@kimera/core';
import { chooseVariant, type ModelFolder, openModelFolder, recordedHash } from '@kimera/model-folder';
import { createTokenizerPool } from '@kimera/tokenizers';
import { Embedder, type EmbedderParts } from '../embedder.js';
import { FallbackBackend, type FallbackOptions } from '../fallback/fallback-backend.js';

const TOKENIZER = 'tokenizer.json';

/** One way to serve a model folder. */
export interface FolderBackend {
  /** For logs and statistics. */
  readonly name: string;
  /** Opens the backend and checks its probes. */
  readonly open: (folder: ModelFolder) => Promise<InferenceBackend>;
}

export interface OpenEmbedderOptions {
  readonly modelPath: string;
  /** In the order in which they are wanted. */
  readonly backends: readonly FolderBackend[];
  /**
   * Where none of them opens: `refuse` (default) throws; `retry` gives an embedder whose calls fail with NoBackendError
   * until one does.
   */
  readonly withoutBackend?: 'refuse' | 'retry';
  /** `EMBEDDING_DIM`: must be the model's. */
  readonly dimension?: number;
  readonly fallback?: Pick<FallbackOptions, 'failuresToOpen' | 'firstPauseMs' | 'longestPauseMs' | 'onEvent'>;
  readonly limits?: Pick<EmbedderParts, 'batchTokens' | 'maxQueueSeconds' | 'cacheBytes'>;
}

/**
 * Wires a model folder, a tokenizer pool and its backends.
 * @throws the folder's and the tokenizer's errors, DimensionMismatchError, the error of a single backend,
 * NoBackendError of several; nothing stays open then.
 */
export async function openEmbedder({
  modelPath,
  backends,
  withoutBackend = 'refuse',
  dimension,
  fallback = {},
  limits = {},
}: OpenEmbedderOptions): Promise<Embedder> {
  const folder = await openModelFolder(modelPath);
  const { space, probes } = folder;
  if (dimension !== undefined && dimension !== space.dimension)
    throw new DimensionMismatchError(dimension, space.dimension, `EMBEDDING_DIM against the model in ${modelPath}`);
  const { name, fidelity } = chooseVariant(folder);
  const backend = new FallbackBackend({
    space,
    variant: { name, fidelity },
    steps: backends.map(({ name: step, open }) => ({ name: step, open: () => open(folder) })),
    ...fallback,
  });
  // Side by side: each starts threads.
  const [tokenizer, started] = await Promise.allSettled([
    createTokenizerPool({
      tokenizerPath: join(modelPath, TOKENIZER),
      sha256: recordedHash(modelPath, folder.file.files, TOKENIZER),
    }),
    backend.start(),
  ]);
  try {
    if (tokenizer.status === 'rejected') throw tokenizer.reason;
    if (started.status === 'rejected' && withoutBackend === 'refuse') throw started.reason;
    return new Embedder({ backend, tokenizer: tokenizer.value, probes, fallback: () => backend.status, ...limits });
  } catch (error) {
    await Promise.all([backend.close(), ...(tokenizer.status === 'fulfilled' ? [tokenizer.value.close()] : [])]);
    throw error;
  }
}
