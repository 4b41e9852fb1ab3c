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

/** tokenizer.json uses a component that is not implemented: refused, since skipping it would change the ids. */
export class UnsupportedTokenizerError extends KimeraError {
  readonly code = 'UNSUPPORTED_TOKENIZER';
  readonly kind = 'refused';
  constructor(
    readonly source: string,
    readonly at: string,
    readonly component: string,
    supported: readonly string[],
  ) {
    super(`${source}: ${at}: ${component} is not supported (supported: ${supported.join(', ')})`, {
      source,
      at,
      component,
      supported,
    });
  }
}

/**
 * A tokenizer.json is not the one that was recorded: other tokens would give vectors of another space under the same
 * name (invariant 2).
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
