import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isStaticFolder, parseStaticSpaceFile } from '@kimera/backend-light';
import { KimeraError, type Head, type Variant } from '@kimera/core';
import { ModelFolderNotFoundError, modelPaths, openModelFolder } from '@kimera/model-folder';
import { describeFolder, describeSpace } from './describe-space.js';

/** A model folder in a list. */
export interface ListedModel {
  readonly path: string;
  readonly modelId: string;
  /** Fingerprint. */
  readonly space: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly heads: readonly Head[];
  readonly variants: readonly Variant[];
  /** What makes its vectors, in one line. */
  readonly description: string;
  readonly bytes: number;
}

/** A folder with a space.json that cannot be used. */
export interface BrokenModel {
  readonly path: string;
  readonly error: { readonly code: string; readonly message: string };
}

/**
 * Model folders among `folders` and right below them, each once. @throws ModelFolderNotFoundError where all must be
 * there and one holds no model.
 */
export async function findModels(
  folders: readonly string[],
  presence: 'all must be there' | 'may be absent',
): Promise<readonly (ListedModel | BrokenModel)[]> {
  const found = new Map<string, ListedModel | BrokenModel>();
  for (const folder of folders) {
    const paths = await modelPaths(folder);
    if (paths.length === 0 && presence === 'all must be there') throw new ModelFolderNotFoundError(folder);
    for (const path of paths) {
      const real = await realpath(path);
      if (!found.has(real)) found.set(real, await describe(path));
    }
  }
  return [...found.values()];
}

async function describe(path: string): Promise<ListedModel | BrokenModel> {
  try {
    return (await isStaticFolder(path)) ? await describeStatic(path) : await describeTransformer(path);
  } catch (error) {
    if (!(error instanceof KimeraError)) throw error;
    return { path, error: { code: error.code, message: error.message } };
  }
}

async function describeTransformer(path: string): Promise<ListedModel> {
  const { file, space } = await openModelFolder(path);
  return {
    path,
    modelId: space.modelId,
    space: space.fingerprint,
    dimension: space.dimension,
    maxTokens: space.maxTokens,
    heads: space.heads,
    variants: file.variants.map(({ name, fidelity }) => ({ name, fidelity })),
    description: await describeSpace(path, space),
    bytes: await folderBytes(path, file.files),
  };
}

async function describeStatic(path: string): Promise<ListedModel> {
  const spacePath = join(path, 'space.json');
  const { modelId, fingerprint, identity, variant, files } = await parseStaticSpaceFile(
    await readFile(spacePath, 'utf8'),
    spacePath,
  );
  return {
    path,
    modelId,
    space: fingerprint,
    dimension: identity.dimension,
    maxTokens: identity.maxTokens,
    heads: ['dense'],
    variants: [variant],
    description: await describeFolder(path),
    bytes: await folderBytes(path, files),
  };
}

async function folderBytes(path: string, files: Readonly<Record<string, { readonly bytes: number }>>): Promise<number> {
  return Object.values(files).reduce((sum, entry) => sum + entry.bytes, (await stat(join(path, 'space.json'))).size);
}
