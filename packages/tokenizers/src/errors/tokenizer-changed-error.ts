import { KimeraError } from '@kimera/core';

/**
 * A tokenizer.json is not the one that was recorded, or that was read before: other tokens would give vectors of
 * another space under the same name (invariant 2).
 */
export class TokenizerChangedError extends KimeraError {
  readonly code = 'TOKENIZER_CHANGED';
  readonly kind = 'refused';
  /** @param expected SHA-256 of the file, lower-case hex. */
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${path} has SHA-256 ${actual.slice(0, 12)}, recorded is ${expected.slice(0, 12)}`, {
      path,
      expected,
      actual,
    });
  }
}
