import { KimeraError } from '@kimera/core';

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
