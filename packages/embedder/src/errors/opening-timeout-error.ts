import { KimeraError } from '@kimera/core';

/** A backend that neither opened nor failed. */
export class OpeningTimeoutError extends KimeraError {
  readonly code = 'OPENING_TIMEOUT';
  readonly kind = 'retryable';
  constructor(
    readonly backend: string,
    readonly seconds: number,
  ) {
    super(`backend ${backend} did not open within ${seconds} s`, { backend, seconds });
  }
}
