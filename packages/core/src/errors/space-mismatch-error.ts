import { KimeraError } from './kimera-error.js';

/** Vectors of two spaces were about to be compared or stored together (invariant 2). */
export class SpaceMismatchError extends KimeraError {
  readonly code = 'SPACE_MISMATCH';
  readonly kind = 'refused';
  constructor(
    readonly expected: string,
    readonly actual: string,
    what: string,
  ) {
    super(`${what}: expected vectors of space ${expected.slice(0, 12)}, got space ${actual.slice(0, 12)}`, {
      expected,
      actual,
      what,
    });
  }
}
