import { InvalidSpaceFileError } from './errors/invalid-space-file-error.js';
import type { SpaceFile } from './space-file.js';

/**
 * SHA-256 that space.json records of a file, lower-case hex. @param path of the folder, for the message. @throws
 * InvalidSpaceFileError where nothing vouches for the file.
 */
export function recordedHash(path: string, files: SpaceFile['files'], name: string): string {
  const recorded = Object.hasOwn(files, name) ? files[name] : undefined;
  if (recorded === undefined)
    throw new InvalidSpaceFileError(path, `${name} is not among the files, so nothing vouches for it`);
  return recorded.sha256;
}
