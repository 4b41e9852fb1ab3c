import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CALIBRATION_FOLDER } from '../assets.js';

/** Texts of a file, one a line, empty lines left out. */
export async function readLines(path: string | URL): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line !== '');
}

/** A file of this package's folder `calibration` (its PROVENANCE.md). */
export function calibrationFile(name: 'calibration.txt' | 'held-out.txt'): string {
  return join(CALIBRATION_FOLDER, name);
}
