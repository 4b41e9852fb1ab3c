import { KimeraError } from '@kimera/core';

/** None of the known layouts of a static model is there. */
export class NotAStaticModelError extends KimeraError {
  readonly code = 'NOT_A_STATIC_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly model: string,
    readonly layouts: readonly string[],
  ) {
    super(`${model} holds no static model (looked for: ${layouts.join('; ')})`, { model, layouts });
  }
}
