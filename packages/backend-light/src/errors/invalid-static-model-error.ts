import { KimeraError } from '@kimera/core';

/** The files of a static model contradict each other or hold what no vector can be made of. */
export class InvalidStaticModelError extends KimeraError {
  readonly code = 'INVALID_STATIC_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly model: string,
    readonly reason: string,
  ) {
    super(`${model}: ${reason}`, { model, reason });
  }
}
