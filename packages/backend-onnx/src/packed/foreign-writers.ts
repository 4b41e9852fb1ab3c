import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bits of a file's mode. */
const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Why others than this user may write into a folder, or put another one in its place; undefined where they may not.
 * Where the system has no such rights (Windows) the folder of the user is trusted.
 */
export async function foreignWriters(folder: string): Promise<string | undefined> {
  const user = process.getuid?.();
  if (user === undefined) return undefined;
  const own = await lstat(folder);
  if (!own.isDirectory()) return `${folder} is no folder`;
  if (own.uid !== user) return `${folder} is of another user`;
  if ((own.mode & GROUP_OR_OTHERS_WRITE) !== 0) return `others may write to ${folder}`;
  for (let child = await realpath(folder), above = dirname(child); above !== child; above = dirname((child = above))) {
    const { uid, mode } = await lstat(above);
    if (uid !== user && uid !== 0) return `${above} is of another user`;
    if ((mode & GROUP_OR_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return `others may write to ${above}`;
  }
  return undefined;
}
