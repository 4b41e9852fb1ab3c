import { KimeraError } from '@kimera/core';

/** tokenizer.json breaks its format; `at` is the path of the field. */
export class InvalidTokenizerError extends KimeraError {
  readonly code = 'INVALID_TOKENIZER';
  readonly kind = 'refused';
  constructor(
    readonly source: string,
    readonly at: string,
    readonly reason: string,
  ) {
    super(`${source}: ${at}: ${reason}`, { source, at, reason });
  }
}
