import { spaceFingerprint } from '@kimera/core';
import { decodeProbe, InvalidSpaceFileError } from '@kimera/model-folder/pure';
import { z } from 'zod';
import { MODEL_FILES } from './layouts.js';
import { staticSpaceFileSchema, type StaticSpaceFile } from './static-space-file.js';

/** @param path only for the message. @throws InvalidSpaceFileError, also where it contradicts itself: another fingerprint, a probe of another dimension, a file that nothing vouches for. */
export async function parseStaticSpaceFile(json: string, path: string): Promise<StaticSpaceFile> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InvalidSpaceFileError(path, 'not JSON');
  }
  const parsed = staticSpaceFileSchema.safeParse(value);
  if (!parsed.success) throw new InvalidSpaceFileError(path, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const file = parsed.data;
  const fingerprint = await spaceFingerprint(file.identity);
  if (fingerprint !== file.fingerprint) throw new InvalidSpaceFileError(path, `fingerprint ${file.fingerprint.slice(0, 12)} is not that of the identity, ${fingerprint.slice(0, 12)}`);
  for (const name of MODEL_FILES) if (!Object.hasOwn(file.files, name)) throw new InvalidSpaceFileError(path, `${name} is not among the files, so nothing vouches for it`);
  for (const [i, probe] of file.probes.entries()) {
    const { length } = decodeProbe(probe).dense;
    if (length !== file.identity.dimension) throw new InvalidSpaceFileError(path, `probe ${i} has ${length} numbers, the dimension is ${file.identity.dimension}`);
  }
  return file;
}
