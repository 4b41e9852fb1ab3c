import { type EmbeddingSpace, KimeraError, shortFingerprint } from '@kimera/core';

/** No backend can serve the space; each reason names one. Another space is never served instead. */
export class NoBackendError extends KimeraError {
  readonly code = 'NO_BACKEND';
  readonly kind = 'retryable';
  constructor(
    { modelId, fingerprint }: Pick<EmbeddingSpace, 'modelId' | 'fingerprint'>,
    readonly reasons: readonly string[],
    /** When the first of the backends is tried again, milliseconds since 1970; undefined where that is not known. */
    readonly retryAt?: number,
  ) {
    super(`no backend can serve ${modelId} (space ${shortFingerprint(fingerprint)}): ${reasons.join('; ')}`, {
      modelId,
      space: fingerprint,
      reasons,
      ...(retryAt === undefined ? {} : { retryAt }),
    });
  }
}

/** A call that would wait longer than it may, by the speed of the last seconds: come back later. */
export class QueueFullError extends KimeraError {
  readonly code = 'QUEUE_FULL';
  readonly kind = 'retryable';
  constructor(
    /** Seconds that it may wait. */
    readonly limit: number,
    /** Seconds that it would wait. */
    readonly waiting: number,
    /** When it would wait no longer than it may, milliseconds since 1970. */
    readonly retryAt: number,
  ) {
    super(`the queue is full: it would wait ${waiting.toFixed(1)} s, the limit is ${limit.toFixed(1)} s`, {
      limit,
      waiting,
      retryAt,
    });
  }
}

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
