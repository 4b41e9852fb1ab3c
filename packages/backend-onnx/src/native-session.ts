import type { GraphSession } from '@kimera/fast-graph';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** A graph on onnxruntime-node. */
export interface NativeSession extends GraphSession {
  release(): Promise<void>;
}

/** Rejects with ONNX Runtime's own error. */
export async function openNativeSession(
  path: string,
  options: InferenceSession.SessionOptions,
): Promise<NativeSession> {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3, ...options });
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
