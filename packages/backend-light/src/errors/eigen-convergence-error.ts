import { KimeraError } from '@kimera/core';

/** The eigenvectors of a matrix were not found: it holds numbers that are not finite. */
export class EigenConvergenceError extends KimeraError {
  readonly code = 'EIGEN_CONVERGENCE';
  readonly kind = 'internal';
  constructor(
    readonly size: number,
    readonly reason: string,
  ) {
    super(`no eigenvectors of a matrix of ${size} rows: ${reason}`, { size, reason });
  }
}
