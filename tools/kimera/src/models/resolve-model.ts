import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ifPresent } from '@kimera/core';
import { shippedModels } from '@kimera/serving/shipped-models';
import type { CommandContext } from '../console/command-context.js';
import { InputNotFoundError, ModelNotFoundError } from '../errors.js';

/** What can only be a path: it starts as one, or ends as a folder. */
const PATH = /^(?:[./~\\]|[A-Za-z]:[\\/])|[/\\]$/;

/** Folders in which models are looked for, in this order. @param more before the others. */
export function modelFolders(
  { folder }: Pick<CommandContext, 'folder'>,
  more: readonly string[] = [],
): readonly string[] {
  return [...more, resolve(folder, 'models'), ...shippedModels()];
}

/**
 * The path of what names a model: a folder (or a file, for `inspect`), or the id of a model as `models list` prints it.
 * Of two models with one id the first that is listed. @throws ModelNotFoundError.
 */
export async function resolveModel(
  context: Pick<CommandContext, 'folder'>,
  given: string,
  more: readonly string[] = [],
): Promise<string> {
  const path = resolve(context.folder, given);
  if (PATH.test(given) || (await isThere(path))) return path;
  const { findModels } = await import('./find-models.js');
  const models = (await findModels(modelFolders(context, more), 'may be absent')).flatMap((model) =>
    'modelId' in model ? [model] : [],
  );
  // Ids of a hub ignore case.
  const found = models.find(({ modelId }) => modelId.toLowerCase() === given.toLowerCase());
  if (found !== undefined) return found.path;
  throw new ModelNotFoundError(
    path,
    given,
    models.map(({ modelId }) => modelId),
  );
}

/** The absolute path of a file or folder that the command line names. @throws InputNotFoundError. */
export async function inputPath({ folder }: Pick<CommandContext, 'folder'>, given: string): Promise<string> {
  const path = resolve(folder, given);
  if (!(await isThere(path))) throw new InputNotFoundError(path);
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return (await ifPresent(() => stat(path))) !== undefined;
}
