import { checkSpaceFile, InvalidSpaceFileError } from '@kimera/model-folder/pure';
import { MODEL_FILES } from './layouts.js';
import { staticSpaceFileSchema, type StaticSpaceFile } from './static-space-file.js';

/**
 * @param path only for the message. @throws InvalidSpaceFileError, also where it contradicts itself: another
 * fingerprint, a probe of another dimension, a file that nothing vouches for.
 */
export async function parseStaticSpaceFile(json: string, path: string): Promise<StaticSpaceFile> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InvalidSpaceFileError(path, 'not JSON');
  }
  const file = await checkSpaceFile(staticSpaceFileSchema, value, path);
  for (const name of MODEL_FILES)
    if (!Object.hasOwn(file.files, name))
      throw new InvalidSpaceFileError(path, `${name} is not among the files, so nothing vouches for it`);
  return file;
}
