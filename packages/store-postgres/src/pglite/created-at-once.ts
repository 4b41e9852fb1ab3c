import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

/**
 * Makes a folder by `create` under another name and then renames it, so that it is there whole or not at all. One
 * process at a time.
 */
export async function createdAtOnce(folder: string, create: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await create(unfinished);
  await rename(unfinished, folder);
}
