import { KimeraError } from '@kimera/core';

/** More tokens wait than the queue may hold: come back later. */
export class QueueFullError extends KimeraError {
  readonly code = 'QUEUE_FULL';
  readonly kind = 'retryable';
  constructor(
    readonly limit: number,
    readonly waiting: number,
  ) {
    super(`the queue is full: ${waiting} tokens wait, the limit is ${limit}`, { limit, waiting });
  }
}
