import { UnsafeFileNameError } from '../errors.js';

/** Longer than any path that a file system takes (PATH_MAX of Linux is 4096, of Windows 260). */
const MAX_LENGTH = 1_024;
/** Ours, beside the files of the model. */
const OWN_NAMES = ['pulled.json'];

/** A name in a repository's listing; it stays inside the folder. @throws UnsafeFileNameError. */
export function checkListedName(name: string): string {
  const fail = (reason: string): never => {
    throw new UnsafeFileNameError(name, reason);
  };
  if (name === '' || name.length > MAX_LENGTH) return fail(`${name.length} characters, 1 to ${MAX_LENGTH} are allowed`);
  if (/[\\\u0000-\u001f\u007f]/.test(name)) return fail('it has a backslash or a control character');
  if (name.startsWith('/')) return fail('it is an absolute path');
  if (name.split('/').some((segment) => ['', '.', '..'].includes(segment)))
    return fail('it has an empty segment, "." or ".."');
  return name;
}

/**
 * A name that is about to be written. @throws UnsafeFileNameError also for hidden files, drives and streams of Windows,
 * and our own files.
 */
export function checkNeededName(name: string): string {
  checkListedName(name);
  if (name.split('/').some((segment) => segment.startsWith('.')))
    throw new UnsafeFileNameError(name, 'no hidden file is needed');
  if (name.includes(':')) throw new UnsafeFileNameError(name, 'it has a colon');
  if (OWN_NAMES.includes(name.toLowerCase()))
    throw new UnsafeFileNameError(name, 'the name is taken by the record of the pull');
  return name;
}
