import { KimeraError, type ErrorField, type ErrorKind } from '@kimera/core';
import { REFUSALS, type HttpErrorCode } from './http/refusals/refusals.js';

/** Characters of a message that repeats what a client sent: the beginning and the end are kept. */
const MESSAGE = { longest: 2_000, beginning: 500, end: 1_000 } as const;

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
    super(shortened(message), fields, options);
    this.kind = REFUSALS[code].kind;
  }
}

function shortened(message: string): string {
  if (message.length <= MESSAGE.longest) return message;
  return `${message.slice(0, MESSAGE.beginning)} … ${message.slice(-MESSAGE.end)}`;
}
