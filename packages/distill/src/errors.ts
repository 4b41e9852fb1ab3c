import { KimeraError } from '@kimera/core';

/** A model that cannot be distilled as asked. */
export class DistillOptionsError extends KimeraError {
  readonly code = 'DISTILL_OPTIONS';
  readonly kind = 'caller';
  constructor(readonly reason: string) {
    super(`this cannot be distilled: ${reason}`, { reason });
  }
}

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
