import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSource } from '../folder/file-source.js';

/** Files of a folder on the disk. */
export function folderFiles(path: string): FileSource {
  return {
    name: path,
    async read(file) {
      try {
        return new Uint8Array(await readFile(join(path, file)));
      } catch (error) {
        if (
          typeof error === 'object' &&
          error !== null &&
          'code' in error &&
          (error.code === 'ENOENT' || error.code === 'ENOTDIR')
        )
          return undefined;
        throw error;
      }
    },
  };
}
