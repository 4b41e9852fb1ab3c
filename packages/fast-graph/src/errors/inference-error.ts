import { KimeraError } from '@kimera/core';

/** ONNX Runtime failed on a batch of B texts of T tokens. */
export class InferenceError extends KimeraError {
  readonly code = 'INFERENCE';
  readonly kind = 'internal';
  constructor(
    readonly texts: number,
    readonly tokens: number,
    readonly reason: string,
  ) {
    super(`inference failed on ${texts} texts of ${tokens} tokens: ${reason}`, { texts, tokens, reason });
  }
}
