import { KimeraError } from '@kimera/core';

/** A file that space.json names is not in the folder. */
export class ModelFileMissingError extends KimeraError {
  readonly code = 'MODEL_FILE_MISSING';
  readonly kind = 'refused';
  constructor(
    readonly folder: string,
    readonly file: string,
  ) {
    super(`model folder ${folder} lacks ${file}`, { folder, file });
  }
}
