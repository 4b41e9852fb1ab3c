import { KimeraError } from '@kimera/core';

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
