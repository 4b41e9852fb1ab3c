import { KimeraError } from './kimera-error.js';

/** A call on something that was closed, or was closed while the call waited. */
export class ClosedError extends KimeraError {
  readonly code = 'CLOSED';
  readonly kind = 'retryable';
  constructor(what: string) {
    super(`${what} is closed`, { what });
  }
}
