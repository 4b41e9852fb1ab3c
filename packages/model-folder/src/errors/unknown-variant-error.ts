import { KimeraError } from '@kimera/core';

/** A variant was asked for that the folder does not have. */
export class UnknownVariantError extends KimeraError {
  readonly code = 'UNKNOWN_VARIANT';
  readonly kind = 'caller';
  constructor(
    readonly variant: string,
    readonly available: readonly string[],
  ) {
    super(`variant "${variant}" is not in this model folder: it has ${available.join(', ')}`, { variant, available });
  }
}
