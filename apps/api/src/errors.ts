import { KimeraError, type ErrorField, type ErrorKind } from '@kimera/core';
import { REFUSALS, type HttpErrorCode } from './http/refusals.js';

/** A request that is refused, before it takes the form of its route's contract. */
export class HttpError extends KimeraError {
  readonly kind: ErrorKind;
  constructor(
    readonly code: HttpErrorCode,
    message: string,
    readonly param: string | null = null,
    fields: Readonly<Record<string, ErrorField>> = {},
    options?: ErrorOptions,
  ) {
    super(message, fields, options);
    this.kind = REFUSALS[code].kind;
  }
}
