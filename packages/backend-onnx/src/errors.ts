import { KimeraError } from '@kimera/core';

/**
 * ONNX Runtime's native code does not run here: it is missing, of another architecture, forbidden, or needs a processor
 * that this is not.
 */
export class NativeRuntimeError extends KimeraError {
  readonly code = 'NATIVE_RUNTIME';
  readonly kind = 'internal';
  constructor(readonly reason: string) {
    super(`ONNX Runtime's native code does not run here: ${reason}`, { reason });
  }
}
