import type { GraphSession } from '@kimera/fast-graph';
import type { InferenceSession, Tensor } from 'onnxruntime-web';

/** What a session needs of onnxruntime-web, whose entries for Node and for browsers are modules of their own. */
export interface WebRuntime {
  readonly InferenceSession: {
    create(graph: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (
    type: 'int64' | 'bool' | 'uint8',
    data: BigInt64Array | Uint8Array,
    dims: readonly number[],
  ) => Tensor;
}

export interface WebSession extends GraphSession {
  release(): Promise<void>;
}

/** A graph on onnxruntime-web in this thread. Rejects with the runtime's own error. */
export async function openWebSession(
  { InferenceSession, Tensor }: WebRuntime,
  graph: Uint8Array,
  externalData: readonly ExternalData[] = [],
): Promise<WebSession> {
  const session = await InferenceSession.create(graph, sessionOptions(externalData));
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs) =>
      session.run(
        Object.fromEntries(
          Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
        ),
        outputs,
      ),
    release: () => session.release(),
  };
}

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
