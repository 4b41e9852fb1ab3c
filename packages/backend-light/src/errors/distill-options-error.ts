import { KimeraError } from '@kimera/core';

/** A model that cannot be distilled as asked. */
export class DistillOptionsError extends KimeraError {
  readonly code = 'DISTILL_OPTIONS';
  readonly kind = 'caller';
  constructor(readonly reason: string) {
    super(`this cannot be distilled: ${reason}`, { reason });
  }
}
