import { BackendLimitError } from '@kimera/core';

/**
 * The space takes the text, WebAssembly does not: the scores of its attention do not fit beside the weights. It is not
 * cut.
 */
export class WasmTextLengthError extends BackendLimitError {
  readonly code = 'WASM_TEXT_LENGTH';
  readonly kind = 'caller';
  constructor(
    readonly tokens: number,
    readonly limit: number,
  ) {
    super(
      `a text of ${tokens} tokens does not fit into WebAssembly beside this model, whose longest there has ${limit}: use the native backend, or shorter texts`,
      { tokens, limit },
    );
  }
}
