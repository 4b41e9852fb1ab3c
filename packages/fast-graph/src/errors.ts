import {
  type ErrorTable,
  Int8SaturationError,
  KimeraError,
  ProbeMismatchError,
  ProbeNormError,
  UnnormalizedOutputError,
} from '@kimera/core';

/** ONNX Runtime failed on a batch of B texts of T tokens. */
export class InferenceError extends KimeraError {
  readonly code = 'INFERENCE';
  readonly kind = 'internal';
  constructor(
    readonly texts: number,
    readonly tokens: number,
    readonly reason: string,
  ) {
    super(`inference failed on ${texts} texts of ${tokens} tokens: ${reason}`, { texts, tokens, reason });
  }
}

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

/** The refusals of this package, rebuilt with their class where they come out of a worker. */
export const graphErrors: ErrorTable = {
  INT8_SATURATION: ({ fields }) => new Int8SaturationError(String(fields['graph'])),
  PROBE_MISMATCH: ({ fields: { backend, fingerprint, worstCosine, floor, text } }) =>
    new ProbeMismatchError(String(backend), String(fingerprint), Number(worstCosine), Number(floor), String(text)),
  PROBE_NORM: ({ fields: { backend, fingerprint, actual, expected, text } }) =>
    new ProbeNormError(String(backend), String(fingerprint), Number(actual), Number(expected), String(text)),
  UNNORMALIZED_OUTPUT: ({ fields }) => new UnnormalizedOutputError(String(fields['model'])),
  MODEL_LOAD: ({ fields }) => new ModelLoadError(String(fields['path']), String(fields['reason'])),
  INFERENCE: ({ fields }) =>
    new InferenceError(Number(fields['texts']), Number(fields['tokens']), String(fields['reason'])),
};
