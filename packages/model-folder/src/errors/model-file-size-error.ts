import { KimeraError } from '@kimera/core';

/** A file is shorter or longer than space.json says: a broken download or copy. */
export class ModelFileSizeError extends KimeraError {
  readonly code = 'MODEL_FILE_SIZE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`${file} has ${actual} bytes, space.json says ${expected}`, { file, expected, actual });
  }
}
