import { ModelFetchError } from '../errors.js';

/** Files of a model by their name in its folder: on a disk, behind a URL, in memory. */
export interface FileSource {
  /** For messages, and the model's id where nothing else names it. */
  readonly name: string;
  /** The bytes of a file, or undefined where there is none of that name. */
  read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** A file as UTF-8; undefined where there is none of that name. */
export async function readText(files: FileSource, name: string): Promise<string | undefined> {
  const bytes = await files.read(name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** Files that are already in memory: what a page was shipped with, what a test or a distillation made. */
export function memoryFiles(name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): FileSource {
  return { name, read: (file) => Promise.resolve(files.get(file)) };
}

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
