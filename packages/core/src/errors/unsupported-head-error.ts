import type { Head } from '../space.js';
import { KimeraError } from './kimera-error.js';

/** A head was asked for that the model does not have. */
export class UnsupportedHeadError extends KimeraError {
  readonly code = 'UNSUPPORTED_HEAD';
  readonly kind = 'caller';
  constructor(
    readonly head: Head,
    readonly available: readonly Head[],
  ) {
    super(`head "${head}" is not available: this model has ${available.join(', ')}`, { head, available });
  }
}
