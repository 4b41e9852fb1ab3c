import { KimeraError } from '@kimera/core';

/** ONNX Runtime could not load a graph: missing, truncated or damaged weights, or a graph of another kind. */
export class ModelLoadError extends KimeraError {
  readonly code = 'MODEL_LOAD';
  readonly kind = 'internal';
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`cannot load ${path}: ${reason}`, { path, reason });
  }
}
