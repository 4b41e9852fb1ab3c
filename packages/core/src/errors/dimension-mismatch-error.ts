import { KimeraError } from './kimera-error.js';

/** Two dimensions that must be equal are not; the message carries both. */
export class DimensionMismatchError extends KimeraError {
  readonly code = 'DIMENSION_MISMATCH';
  readonly kind = 'caller';
  constructor(
    readonly expected: number,
    readonly actual: number,
    what: string,
  ) {
    super(`${what}: expected dimension ${expected}, got ${actual}`, { expected, actual, what });
  }
}
