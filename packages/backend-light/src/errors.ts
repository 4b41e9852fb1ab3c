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

/** A server answered for a file of a model with a status that is neither success nor "not there". */
export class ModelFetchError extends KimeraError {
  readonly code = 'MODEL_FETCH';
  readonly kind = 'retryable';
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`${url}: the server answered ${status}`, { url, status });
  }
}

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
