import type { FileSource } from './file-source.js';

/** A file as UTF-8; undefined where there is none of that name. */
export async function readText(files: FileSource, name: string): Promise<string | undefined> {
  const bytes = await files.read(name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
