import { KimeraError, shortFingerprint, type EmbeddingSpace } from '@kimera/core';

/** No backend can serve the space; each reason names one. Another space is never served instead. */
export class NoBackendError extends KimeraError {
  readonly code = 'NO_BACKEND';
  readonly kind = 'retryable';
  constructor(
    { modelId, fingerprint }: Pick<EmbeddingSpace, 'modelId' | 'fingerprint'>,
    readonly reasons: readonly string[],
  ) {
    super(`no backend can serve ${modelId} (space ${shortFingerprint(fingerprint)}): ${reasons.join('; ')}`, {
      modelId,
      space: fingerprint,
      reasons,
    });
  }
}
