import { sha256Hex } from '@kimera/core';
import { ModelFileHashError, ModelFileMissingError, ModelFileSizeError, ModelFolderNotFoundError } from './errors.js';
import { modelFolder, type ModelFolder } from './model-folder.js';
import { parseSpaceFile } from './parse-space-file.js';

/** A model folder on a web server, whose files are checked as they arrive. */
export interface FetchedModelFolder extends ModelFolder {
  /** @throws ModelFileMissingError, ModelFileSizeError, ModelFileHashError. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** @param url of the folder. @throws ModelFolderNotFoundError, InvalidSpaceFileError. */
export async function fetchModelFolder(url: string | URL): Promise<FetchedModelFolder> {
  const base = new URL(url);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const spaceUrl = new URL('space.json', base);
  const response = await fetch(spaceUrl);
  if (!response.ok) throw new ModelFolderNotFoundError(base.href);
  const folder = modelFolder(base.href, await parseSpaceFile(await response.text(), spaceUrl.href));
  return {
    ...folder,
    async read(name) {
      const recorded = folder.file.files[name];
      const fileUrl = new URL(name, base);
      const answer = recorded === undefined ? undefined : await fetch(fileUrl);
      if (recorded === undefined || answer === undefined || !answer.ok)
        throw new ModelFileMissingError(base.href, name);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (bytes.length !== recorded.bytes) throw new ModelFileSizeError(fileUrl.href, recorded.bytes, bytes.length);
      const actual = await sha256Hex(bytes);
      if (actual !== recorded.sha256) throw new ModelFileHashError(fileUrl.href, recorded.sha256, actual);
      return bytes;
    },
  };
}
