import type { InferenceSession } from 'onnxruntime-web';

/** A file that a graph takes weights from, under the name that stands in the graph. */
export interface ExternalData {
  readonly path: string;
  readonly data: Uint8Array;
}

/** How every session of onnxruntime-web is opened here. */
export function sessionOptions(externalData: readonly ExternalData[]): InferenceSession.SessionOptions {
  return {
    executionProviders: ['wasm'],
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    logSeverityLevel: 3,
    externalData,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  };
}
