import { join } from 'node:path';
import { DimensionMismatchError, type InferenceBackend } from '@kimera/core';
import { openModelFolder, type ModelFolder } from '@kimera/model-folder';
import { createTokenizerPool } from '@kimera/tokenizers';
import { Embedder } from './embedder.js';

export interface OpenEmbedderOptions {
  readonly modelPath: string;
  /** Opens the backend and checks its probes. */
  readonly openBackend: (folder: ModelFolder) => Promise<InferenceBackend>;
  /** `EMBEDDING_DIM`: must be the model's. */
  readonly dimension?: number;
  readonly batchTokens?: number;
  readonly queueTokens?: number;
}

/** Wires a model folder, a tokenizer pool and a backend. @throws the folder's, tokenizer's and backend's errors, DimensionMismatchError; nothing stays open then. */
export async function openEmbedder({ modelPath, openBackend, dimension, ...limits }: OpenEmbedderOptions): Promise<Embedder> {
  const folder = await openModelFolder(modelPath);
  if (dimension !== undefined && dimension !== folder.space.dimension) throw new DimensionMismatchError(dimension, folder.space.dimension, `EMBEDDING_DIM against the model in ${modelPath}`);
  const tokenizer = await createTokenizerPool({ tokenizerPath: join(modelPath, 'tokenizer.json') });
  try {
    return new Embedder({ backend: await openBackend(folder), tokenizer, probes: folder.probes, ...limits });
  } catch (error) {
    await tokenizer.close();
    throw error;
  }
}
