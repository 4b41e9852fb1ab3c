import { KimeraError } from '@kimera/core';

/** A worker thread ended while it held a request, and so did its replacement. */
export class WorkerDiedError extends KimeraError {
  readonly code = 'WORKER_DIED';
  readonly kind = 'retryable';
  constructor(
    readonly pool: string,
    readonly attempts: number,
    readonly reason: string,
  ) {
    super(`${pool}: the worker thread ended ${attempts} times while it held this request (${reason})`, {
      pool,
      attempts,
      reason,
    });
  }
}
