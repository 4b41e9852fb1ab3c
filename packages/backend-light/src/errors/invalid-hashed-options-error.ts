import { KimeraError } from '@kimera/core';

/** A parameter of a hashed model outside its range. */
export class InvalidHashedOptionsError extends KimeraError {
  readonly code = 'INVALID_HASHED_OPTIONS';
  readonly kind = 'caller';
  constructor(
    readonly option: string,
    readonly value: number,
    readonly least: number,
    readonly most: number,
  ) {
    super(`${option} of a hashed model is ${value}, a whole number from ${least} to ${most} is needed`, {
      option,
      value,
      least,
      most,
    });
  }
}
