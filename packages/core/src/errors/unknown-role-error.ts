import { KimeraError } from './kimera-error.js';

/** A role that is neither `query` nor `document`. */
export class UnknownRoleError extends KimeraError {
  readonly code = 'UNKNOWN_ROLE';
  readonly kind = 'caller';
  constructor(readonly role: string) {
    super(`unknown role "${role}": expected "query" or "document"`, { role });
  }
}
