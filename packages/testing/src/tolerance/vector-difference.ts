import { cosine, KimeraError, maxAbsDifference, norm } from '@kimera/core';
import type { Tolerance } from './tolerance.js';

/** Of a vector from the one that was expected. */
export interface VectorDifference {
  readonly cosine: number;
  readonly maxAbs: number;
  /** |‖a‖ - ‖b‖| / ‖b‖. */
  readonly norm: number;
}

/** @throws DimensionMismatchError, ZeroVectorError. */
export function vectorDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): VectorDifference {
  return {
    cosine: cosine(actual, expected),
    maxAbs: maxAbsDifference(actual, expected),
    norm: Math.abs(norm(actual) - norm(expected)) / norm(expected),
  };
}

/** The worst of each figure. */
export function worstDifference(differences: readonly VectorDifference[]): VectorDifference {
  return {
    cosine: Math.min(...differences.map((difference) => difference.cosine)),
    maxAbs: Math.max(...differences.map((difference) => difference.maxAbs)),
    norm: Math.max(...differences.map((difference) => difference.norm)),
  };
}

/** Two vectors are further apart than a named tolerance. */
export class ToleranceError extends KimeraError {
  readonly code = 'TOLERANCE';
  readonly kind = 'caller';
  constructor(what: string, difference: VectorDifference, tolerance: Tolerance) {
    super(
      `${what}: cosine ${difference.cosine} (at least ${tolerance.minCosine}), largest difference ${difference.maxAbs} (at most ${tolerance.maxAbs}), ` +
        `norm off by ${difference.norm} (at most ${tolerance.norm}); tolerance "${tolerance.name}": ${tolerance.reason}`,
      { what, ...difference, tolerance: tolerance.name },
    );
  }
}

/** @throws ToleranceError, and as vectorDifference. */
export function checkClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  what = 'vector',
): void {
  const difference = vectorDifference(actual, expected);
  const holds =
    difference.cosine >= tolerance.minCosine &&
    difference.maxAbs <= tolerance.maxAbs &&
    difference.norm <= tolerance.norm;
  if (!holds) throw new ToleranceError(what, difference, tolerance);
}
