import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../../tools/postgres/empty-database.mjs', import.meta.url));

/** Puts an embedded database without a schema into a folder that has none: a store would take seconds to make it. */
export async function emptyDatabase(folder: string): Promise<void> {
  await promisify(execFile)(process.execPath, [PROGRAM, folder]);
}
