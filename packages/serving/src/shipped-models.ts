import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { ModelPackageMissingError } from './errors.js';

/** Each model that comes with Kimera is a package: its folder is the model folder. */
const PACKAGES = {
  'all-MiniLM-L6-v2': '@kimera/model-all-minilm-l6-v2',
  'static-minilm': '@kimera/model-static-minilm',
  'multilingual-e5-small': '@kimera/model-multilingual-e5-small',
} as const;

export type ShippedModel = keyof typeof PACKAGES;

/** The path of a file of a package; one that is not installed throws MODULE_NOT_FOUND. */
export type ResolveFile = (file: string) => string;

const resolveFromHere: ResolveFile = createRequire(import.meta.url).resolve;

/**
 * The model folder. @throws ModelPackageMissingError: `multilingual-e5-small` is there only where it was installed
 * beside Kimera.
 */
export function shippedModel(name: ShippedModel, resolve = resolveFromHere): string {
  try {
    return dirname(resolve(`${PACKAGES[name]}/package.json`));
  } catch (error) {
    throw isNotFound(error) ? new ModelPackageMissingError(PACKAGES[name]) : error;
  }
}

/** Folders of those that are installed. */
export function shippedModels(resolve = resolveFromHere): readonly string[] {
  return (Object.keys(PACKAGES) as readonly ShippedModel[]).flatMap((name) => {
    try {
      return [shippedModel(name, resolve)];
    } catch (error) {
      if (error instanceof ModelPackageMissingError) return [];
      throw error;
    }
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
}
