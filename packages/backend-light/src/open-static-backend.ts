import { folderFiles } from './folder/folder-files.js';
import { loadStaticModel } from './folder/load-static-model.js';
import type { OpenStaticModelOptions } from './open-static-model.js';
import type { StaticBackend } from './static-backend.js';

/** The backend alone, for callers that bring token ids; no worker is started. @throws as loadStaticModel. */
export async function openStaticBackend({ path, ...options }: OpenStaticModelOptions): Promise<StaticBackend> {
  const { backend } = await loadStaticModel({ files: folderFiles(path), ...options });
  return backend;
}
