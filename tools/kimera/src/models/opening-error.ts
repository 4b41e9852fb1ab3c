import { KimeraError } from '@kimera/core';

const OPENING_CODES = [
  'INVALID_SPACE_FILE',
  'MODEL_FILE_SIZE',
  'MODEL_FILE_MISSING',
  'MODEL_LOAD',
  'INVALID_TOKENIZER',
  'UNSUPPORTED_TOKENIZER',
];

/**
 * True for the errors of a folder that cannot even be opened or loaded; a folder that is not there is not one of them.
 */
export function isOpeningError(error: unknown): error is KimeraError {
  return error instanceof KimeraError && OPENING_CODES.includes(error.code);
}
