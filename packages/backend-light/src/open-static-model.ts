import { basename, join, resolve } from 'node:path';
import { createTokenizerPool } from '@kimera/tokenizers';
import { folderFiles } from './folder/folder-files.js';
import { loadStaticModel } from './folder/load-static-model.js';
import type { StaticModel } from './static-model.js';

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
    openTokenizer: (_tokenizer, { file, sha256 }) => createTokenizerPool({ tokenizerPath: join(path, file), sha256 }),
  });
}
