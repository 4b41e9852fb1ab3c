import { KimeraError } from './kimera-error.js';

/** A ColBERT score needs at least one token vector on each side. */
export class EmptyMultiVectorError extends KimeraError {
  readonly code = 'EMPTY_MULTI_VECTOR';
  readonly kind = 'caller';
  constructor(readonly side: 'query' | 'passage') {
    super(`the ${side} has no token vector`, { side });
  }
}
