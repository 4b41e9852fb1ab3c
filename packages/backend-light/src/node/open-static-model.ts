import { tokenizerPool } from '@kimera/tokenizers';
import { basename, join, resolve } from 'node:path';
import { loadStaticModel } from '../folder/load-static-model.js';
import type { StaticBackend } from '../static-backend.js';
import type { StaticModel } from '../static-model.js';
import { folderFiles } from './folder-files.js';

export interface OpenStaticModelOptions {
  readonly path: string;
  /** Of a model2vec folder, which does not say it; default: the folder's name. */
  readonly modelId?: string;
}

/**
 * Opens a folder with a static model; long batches are tokenised in a worker thread. `new Embedder(await
 * openStaticModel({ path }))` embeds texts.
 * @throws as loadStaticModel; nothing stays open then.
 */
export function openStaticModel({
  path,
  modelId = basename(resolve(path)),
}: OpenStaticModelOptions): Promise<StaticModel> {
  return loadStaticModel({
    files: folderFiles(path),
    modelId,
    openTokenizer: (tokenizer, { file, bytes }) => tokenizerPool({ tokenizer, path: join(path, file), bytes }),
  });
}

/** The backend alone, for callers that bring token ids; no worker is started. @throws as loadStaticModel. */
export async function openStaticBackend({ path, ...options }: OpenStaticModelOptions): Promise<StaticBackend> {
  const { backend } = await loadStaticModel({ files: folderFiles(path), ...options });
  return backend;
}
