import { shortFingerprint, spaceFingerprint } from '@kimera/core';
import { z } from 'zod';
import { decodeBase64 } from './base64.js';
import { InvalidSpaceFileError } from './errors.js';
import type { SpaceFile } from './space-file.js';

/**
 * What the space.json of any kind of model must be: of its schema, with the fingerprint of its identity and probes of
 * its dimension. @param value its JSON. @param path only for the message. @throws InvalidSpaceFileError.
 */
export async function checkSpaceFile<T extends Pick<SpaceFile, 'fingerprint' | 'identity' | 'probes'>>(
  schema: z.ZodType<T>,
  value: unknown,
  path: string,
): Promise<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidSpaceFileError(path, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const { identity, fingerprint, probes } = parsed.data;
  const expected = await spaceFingerprint(identity);
  if (fingerprint !== expected)
    throw new InvalidSpaceFileError(
      path,
      `fingerprint ${shortFingerprint(fingerprint)} is not that of the identity, ${shortFingerprint(expected)}`,
    );
  for (const [i, { dense }] of probes.entries()) {
    const numbers = decodeBase64(dense).length / Float32Array.BYTES_PER_ELEMENT;
    if (numbers !== identity.dimension)
      throw new InvalidSpaceFileError(
        path,
        `probe ${i} has ${numbers} numbers, the dimension is ${identity.dimension}`,
      );
  }
  return parsed.data;
}
