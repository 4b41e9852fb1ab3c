import { KimeraError } from '@kimera/core';

/** A file of published facts that is not JSON or breaks its schema. */
export class InvalidFactsFileError extends KimeraError {
  readonly code = 'INVALID_FACTS_FILE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}
