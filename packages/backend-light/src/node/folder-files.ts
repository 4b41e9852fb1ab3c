import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import type { FileSource } from '../folder/file-source.js';

/** Files of a folder on the disk. */
export function folderFiles(path: string): FileSource {
  return {
    name: path,
    read: (file) => ifPresent(async () => new Uint8Array(await readFile(join(path, file)))),
  };
}
