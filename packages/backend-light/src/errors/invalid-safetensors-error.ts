import { KimeraError } from '@kimera/core';

/** A safetensors file that breaks its format: truncated, overlapping, longer than it says. */
export class InvalidSafetensorsError extends KimeraError {
  readonly code = 'INVALID_SAFETENSORS';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}
