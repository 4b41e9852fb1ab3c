import { KimeraError } from '@kimera/core';

/** The embedded database could not be opened. */
export class PGliteOpenError extends KimeraError {
  readonly code = 'PGLITE_OPEN';
  readonly kind = 'internal';
  constructor(
    readonly folder: string,
    readonly reason: string,
  ) {
    super(`the embedded database in ${folder} cannot be opened: ${reason}`, { folder, reason });
  }
}
