import { ModelFetchError } from '../errors/model-fetch-error.js';
import type { FileSource } from './file-source.js';

/**
 * Files below a URL, by the platform's `fetch`. A file that is not there (404) is none.
 * @param base the folder; its query is kept out. @throws ModelFetchError from `read`.
 */
export function urlFiles(base: string | URL): FileSource {
  const folder = new URL(base);
  folder.search = '';
  folder.hash = '';
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return {
    name: folder.href,
    async read(file) {
      const url = new URL(file, folder);
      const response = await fetch(url);
      if (response.status === 404) return undefined;
      if (!response.ok) throw new ModelFetchError(url.href, response.status);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
