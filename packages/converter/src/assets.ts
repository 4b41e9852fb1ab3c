import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * A file of this package's folder `calibration` (its PROVENANCE.md): named from here, where the same path holds in `src`
 * and in `dist`.
 */
export function calibrationFile(name: 'calibration.txt' | 'held-out.txt'): string {
  return fileURLToPath(new URL(`../calibration/${name}`, import.meta.url));
}

/** Texts of a file, one a line, empty lines left out. */
export async function readLines(path: string | URL): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line !== '');
}
