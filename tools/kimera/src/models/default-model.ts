import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promptOf, UnknownRoleError, type EmbeddingSpace } from '@kimera/core';
import { shippedModel } from '@kimera/serving/shipped-models';
import type { CommandContext } from '../console/command-context.js';
import { UsageError } from '../errors.js';
import { resolveModel } from './resolve-model.js';

/**
 * `--model`, or the light model with LIGHTWEIGHT_EMBEDDING=1, or ONNX_MODEL_PATH, or ./models/bge-m3-onnx where it
 * exists, or the shipped English model. Relative paths start from the caller's folder. @throws ModelNotFoundError where
 * `--model` is neither a folder nor an id.
 */
export async function modelPath(
  { environment, folder }: Pick<CommandContext, 'environment' | 'folder'>,
  given: string | undefined,
): Promise<string> {
  if (given !== undefined && given !== '') return resolveModel({ folder }, given);
  if (environment['LIGHTWEIGHT_EMBEDDING'] === '1') return lightModelPath({ environment, folder });
  const named = environment['ONNX_MODEL_PATH'];
  if (named !== undefined && named !== '') return resolve(folder, named);
  const preferred = join(folder, 'models/bge-m3-onnx');
  return existsSync(preferred) ? preferred : shippedModel('all-MiniLM-L6-v2');
}

/** LIGHT_MODEL_PATH, or the shipped one. */
export function lightModelPath({ environment, folder }: Pick<CommandContext, 'environment' | 'folder'>): string {
  const named = environment['LIGHT_MODEL_PATH'];
  return named === undefined || named === '' ? shippedModel('static-minilm') : resolve(folder, named);
}

export const MODEL_OPTION = [
  '--model <model>',
  'id as "kimera models list" prints it, or model folder (default: $ONNX_MODEL_PATH, ./models/bge-m3-onnx, or the English model that comes with Kimera)',
] as const;

/** Before the first text is read. @throws UsageError for a role that the model has no prompt of. */
export function checkRole(space: EmbeddingSpace, role: string | undefined): void {
  try {
    promptOf(space, role);
  } catch (error) {
    throw error instanceof UnknownRoleError ? new UsageError(error.message) : error;
  }
}

export const ROLE_OPTION = [
  '--role <role>',
  'put the model’s prompt for this role before each text: query, document, or the name of another prompt of the model',
] as const;
