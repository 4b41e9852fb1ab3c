import { KimeraError } from '@kimera/core';

/** A server answered for a file of a model with a status that is neither success nor "not there". */
export class ModelFetchError extends KimeraError {
  readonly code = 'MODEL_FETCH';
  readonly kind = 'retryable';
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`${url}: the server answered ${status}`, { url, status });
  }
}
