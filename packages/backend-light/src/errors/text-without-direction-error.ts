import { KimeraError } from '@kimera/core';

/**
 * Nothing of a text is in the table, so that its vector would be zero: it has no direction and nothing can be compared
 * with it.
 */
export class TextWithoutDirectionError extends KimeraError {
  readonly code = 'TEXT_WITHOUT_DIRECTION';
  readonly kind = 'caller';
  /** @param text its place in the call, from 0. */
  constructor(
    readonly text: number,
    readonly model: string,
  ) {
    super(`text ${text} has no token with a vector in ${model}: its vector would be zero, which has no direction`, {
      text,
      model,
    });
  }
}
