import { ProbeMismatchError, ProbeNormError, type ErrorTable } from '@kimera/core';
import { InferenceError } from './inference-error.js';
import { Int8SaturationError } from './int8-saturation-error.js';
import { ModelLoadError } from './model-load-error.js';

/** The refusals of this package, rebuilt with their class where they come out of a worker. */
export const graphErrors: ErrorTable = {
  INT8_SATURATION: ({ fields }) => new Int8SaturationError(String(fields['graph'])),
  PROBE_MISMATCH: ({ fields: { backend, fingerprint, worstCosine, floor, text } }) =>
    new ProbeMismatchError(String(backend), String(fingerprint), Number(worstCosine), Number(floor), String(text)),
  PROBE_NORM: ({ fields: { backend, fingerprint, actual, expected, text } }) =>
    new ProbeNormError(String(backend), String(fingerprint), Number(actual), Number(expected), String(text)),
  MODEL_LOAD: ({ fields }) => new ModelLoadError(String(fields['path']), String(fields['reason'])),
  INFERENCE: ({ fields }) =>
    new InferenceError(Number(fields['texts']), Number(fields['tokens']), String(fields['reason'])),
};
