import { BackendLimitError, KimeraError } from '@kimera/core';

/** The variant does not fit into WebAssembly's memory, and no other of the folder does and holds. */
export class WasmMemoryError extends KimeraError {
  readonly code = 'WASM_MEMORY';
  readonly kind = 'retryable';
  /** @param needed bytes. @param limit bytes. */
  constructor(
    readonly variant: string,
    readonly needed: number,
    readonly limit: number,
    options?: ErrorOptions,
  ) {
    super(
      `variant ${variant} needs about ${megabytes(needed)} MB in WebAssembly, whose memory ends at ${megabytes(limit)} MB: use the native backend, or convert an int8 variant`,
      { variant, needed, limit },
      options,
    );
  }
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

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
