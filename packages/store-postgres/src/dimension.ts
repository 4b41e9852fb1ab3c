import { KimeraError, type EmbeddingSpace } from '@kimera/core';
import { MAX_DIMENSION } from './vector-codec.js';

/** More numbers than a column of pgvector holds. */
export class DimensionTooLargeError extends KimeraError {
  readonly code = 'DIMENSION_TOO_LARGE';
  readonly kind = 'refused';
  constructor(
    readonly dimension: number,
    readonly limit: number,
  ) {
    super(`vectors of ${dimension} numbers cannot be stored, at most ${limit} can`, { dimension, limit });
  }
}

/** @throws DimensionTooLargeError. */
export function checkDimension({ dimension }: EmbeddingSpace): void {
  if (dimension > MAX_DIMENSION) throw new DimensionTooLargeError(dimension, MAX_DIMENSION);
}
