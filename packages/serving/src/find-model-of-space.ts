import { spaceAt } from '@kimera/backend-light';
import { KimeraError, type EmbeddingSpace } from '@kimera/core';
import { modelPaths } from '@kimera/model-folder';
import { ModelOfSpaceNotFoundError } from './errors.js';

/**
 * The first model folder, among `folders` and right below them, whose vectors are of the space; folders that cannot be
 * read are passed over.
 * @throws ModelOfSpaceNotFoundError.
 */
export async function findModelOfSpace(
  folders: readonly string[],
  { fingerprint, modelId }: Pick<EmbeddingSpace, 'fingerprint' | 'modelId'>,
): Promise<string> {
  for (const folder of folders)
    for (const path of await modelPaths(folder)) if ((await fingerprintOf(path)) === fingerprint) return path;
  throw new ModelOfSpaceNotFoundError(fingerprint, modelId, folders);
}

async function fingerprintOf(path: string): Promise<string | undefined> {
  try {
    return (await spaceAt(path)).fingerprint;
  } catch (error) {
    if (error instanceof KimeraError) return undefined;
    throw error;
  }
}
