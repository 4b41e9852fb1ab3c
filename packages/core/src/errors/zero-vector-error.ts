import { KimeraError } from './kimera-error.js';

/** A vector without direction cannot be normalised or compared by cosine. */
export class ZeroVectorError extends KimeraError {
  readonly code = 'ZERO_VECTOR';
  readonly kind = 'caller';
  constructor(what: string) {
    super(`${what}: the vector is zero or not finite and has no direction`, { what });
  }
}
