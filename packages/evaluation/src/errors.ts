import { KimeraError } from '@kimera/core';

/** Scores that must be of the same items are not of the same number. */
export class UnpairedScoresError extends KimeraError {
  readonly code = 'UNPAIRED_SCORES';
  readonly kind = 'caller';
  constructor(
    readonly expected: number,
    readonly actual: number,
    what: string,
  ) {
    super(`${what}: ${expected} values against ${actual}`, { expected, actual, what });
  }
}

/** A number that is NaN or infinite: it would make every figure after it meaningless. */
export class InvalidScoreError extends KimeraError {
  readonly code = 'INVALID_SCORE';
  readonly kind = 'caller';
  constructor(
    readonly position: number,
    value: number,
    what: string,
  ) {
    super(`${what}: value ${position} is ${value}`, { position, value: String(value), what });
  }
}

/** A difference of two scores outside −1 to 1: the bounds of the gate hold for scores from 0 to 1. */
export class DifferenceRangeError extends KimeraError {
  readonly code = 'DIFFERENCE_RANGE';
  readonly kind = 'caller';
  constructor(
    readonly position: number,
    readonly difference: number,
  ) {
    super(`query ${position}: the scores differ by ${difference}, at most 1 is possible for scores from 0 to 1`, {
      position,
      difference,
    });
  }
}

/** Fewer items than the figure is defined for. */
export class TooFewValuesError extends KimeraError {
  readonly code = 'TOO_FEW_VALUES';
  readonly kind = 'caller';
  constructor(
    readonly minimum: number,
    readonly actual: number,
    what: string,
  ) {
    super(`${what}: at least ${minimum} values are needed, got ${actual}`, { minimum, actual, what });
  }
}

/** A setting outside the range in which it means something. */
export class SettingRangeError extends KimeraError {
  readonly code = 'SETTING_RANGE';
  readonly kind = 'caller';
  constructor(
    readonly setting: string,
    readonly range: string,
    value: number,
  ) {
    super(`${setting} must be ${range}, got ${value}`, { setting, range, value: String(value) });
  }
}

/** A correlation or an alignment with values that are all equal. */
export class ConstantInputError extends KimeraError {
  readonly code = 'CONSTANT_INPUT';
  readonly kind = 'caller';
  constructor(what: string) {
    super(`${what} is undefined: all values of one side are equal`, { what });
  }
}

/** A ranking that holds an item twice would be counted twice. */
export class DuplicateItemError extends KimeraError {
  readonly code = 'DUPLICATE_ITEM';
  readonly kind = 'caller';
  constructor(readonly item: string) {
    super(`"${item}" is in the ranking more than once`, { item });
  }
}

/** The pairs do not span the smaller space, so a rotation is not determined by them. */
export class RankDeficientError extends KimeraError {
  readonly code = 'RANK_DEFICIENT';
  readonly kind = 'caller';
  constructor(
    readonly rank: number,
    readonly needed: number,
    readonly pairs: number,
  ) {
    super(`${pairs} pairs determine ${rank} directions, ${needed} are needed`, { rank, needed, pairs });
  }
}
