import { KimeraError } from '@kimera/core';

/** A file's bytes are not those that space.json records. */
export class ModelFileHashError extends KimeraError {
  readonly code = 'MODEL_FILE_HASH';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${file} has SHA-256 ${actual.slice(0, 16)}…, space.json says ${expected.slice(0, 16)}…`, {
      file,
      expected,
      actual,
    });
  }
}
