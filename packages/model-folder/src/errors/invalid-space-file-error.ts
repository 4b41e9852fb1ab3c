import { KimeraError } from '@kimera/core';

/** space.json is not JSON, breaks its schema, or contradicts itself. */
export class InvalidSpaceFileError extends KimeraError {
  readonly code = 'INVALID_SPACE_FILE';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`, { path, reason });
  }
}
