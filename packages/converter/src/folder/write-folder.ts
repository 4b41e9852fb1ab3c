import { access, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { livenessOf, thisProcess } from '@kimera/process-lock';
import { OutputExistsError } from '../errors.js';

/**
 * Writes a folder under a temporary name beside `out` and renames it at the end: `out` never holds half a folder. First
 * removes temporary folders of `out` whose process was killed.
 * @param write creates and fills the folder whose path it gets. @throws OutputExistsError, and what `write` throws;
 * nothing is left then.
 */
export async function writeFolder<T>(out: string, write: (partial: string) => Promise<T>): Promise<T> {
  if (await exists(out)) throw new OutputExistsError(out);
  await removeLeftovers(out);
  const partial = `${prefixOf(out)}${process.pid}`;
  try {
    const written = await write(partial);
    await rename(partial, out);
    return written;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function prefixOf(out: string): string {
  return `${out}.partial-`;
}

/** Partial folders of this output whose process is gone. */
async function removeLeftovers(out: string): Promise<void> {
  const prefix = basename(prefixOf(out));
  for (const name of (await ifPresent(() => readdir(dirname(out)))) ?? []) {
    const pid = Number(name.slice(prefix.length));
    if (
      name.startsWith(prefix) &&
      Number.isInteger(pid) &&
      pid > 0 &&
      livenessOf({ ...thisProcess(), pid, startTicks: null }) === 'dead'
    )
      await rm(join(dirname(out), name), { recursive: true, force: true });
  }
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
