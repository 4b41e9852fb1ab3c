import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddingSpace } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { parseStaticSpaceFile } from '../folder/parse-static-space-file.js';
import { isStaticFolder } from './is-static-folder.js';

/**
 * The space of a model folder, or of the folder of a static model: what its space.json says; the model is not opened.
 * @throws ModelFolderNotFoundError, InvalidSpaceFileError.
 */
export async function spaceAt(path: string): Promise<EmbeddingSpace> {
  if (!(await isStaticFolder(path))) return (await openModelFolder(path)).space;
  const spacePath = join(path, 'space.json');
  const { identity, fingerprint, modelId } = await parseStaticSpaceFile(await readFile(spacePath, 'utf8'), spacePath);
  return { ...identity, fingerprint, modelId, heads: ['dense'] };
}
