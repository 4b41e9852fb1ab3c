import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KimeraError, type Head, type Variant } from '@kimera/core';
import { ModelFolderNotFoundError, openModelFolder } from '@kimera/model-folder';

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
  readonly bytes: number;
}

/** A folder with a space.json that cannot be used. */
export interface BrokenModel {
  readonly path: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** Model folders among `folders` and right below them, each once. @throws ModelFolderNotFoundError where all must be there and one holds no model. */
export async function findModels(folders: readonly string[], presence: 'all must be there' | 'may be absent'): Promise<readonly (ListedModel | BrokenModel)[]> {
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

async function modelPaths(folder: string): Promise<readonly string[]> {
  if (await isFile(join(folder, 'space.json'))) return [folder];
  const names = await readdir(folder).catch(() => []);
  const paths: string[] = [];
  for (const name of names.sort()) if (await isFile(join(folder, name, 'space.json'))) paths.push(join(folder, name));
  return paths;
}

async function describe(path: string): Promise<ListedModel | BrokenModel> {
  try {
    const { file, space } = await openModelFolder(path);
    const bytes = Object.values(file.files).reduce((sum, entry) => sum + entry.bytes, (await stat(join(path, 'space.json'))).size);
    return {
      path,
      modelId: space.modelId,
      space: space.fingerprint,
      dimension: space.dimension,
      maxTokens: space.maxTokens,
      heads: space.heads,
      variants: file.variants.map(({ name, fidelity }) => ({ name, fidelity })),
      bytes,
    };
  } catch (error) {
    if (!(error instanceof KimeraError)) throw error;
    return { path, error: { code: error.code, message: error.message } };
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
}
