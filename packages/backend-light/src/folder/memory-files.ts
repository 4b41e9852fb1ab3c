import type { FileSource } from './file-source.js';

/** Files that are already in memory: what a page was shipped with, what a test or a distillation made. */
export function memoryFiles(name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): FileSource {
  return { name, read: (file) => Promise.resolve(files.get(file)) };
}
