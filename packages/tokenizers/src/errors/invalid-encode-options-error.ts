import { KimeraError } from '@kimera/core';

/** Options under which no text can be encoded, such as fewer tokens than the special ones. */
export class InvalidEncodeOptionsError extends KimeraError {
  readonly code = 'INVALID_ENCODE_OPTIONS';
  readonly kind = 'caller';
  constructor(
    readonly maxTokens: number,
    readonly specialTokens: number,
  ) {
    super(`maxTokens is ${maxTokens}: a whole number of at least ${specialTokens}, the special tokens, is needed`, {
      maxTokens,
      specialTokens,
    });
  }
}
