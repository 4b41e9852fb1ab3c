import { basename, dirname, join } from 'node:path';
import type { GraphSession } from '@kimera/fast-graph';
import type { InferenceSession } from 'onnxruntime-web';
import type * as Runtime from 'onnxruntime-web';
import { type ExternalData, sessionOptions } from '../web-session.js';

/** Where transformers.js looks for an ONNX Runtime before its own (backends/onnx.js). */
const RUNTIME = Symbol.for('onnxruntime');

export interface TransformersSessionOptions {
  /** onnxruntime-web. */
  readonly runtime: typeof Runtime;
  /** Model folder. */
  readonly folder: string;
  /** Inside the folder. */
  readonly graph: string;
  /** Of config.json: what kind of model this is. */
  readonly config: unknown;
  readonly externalData: readonly ExternalData[];
}

/**
 * A graph of a model folder as a model of transformers.js, on onnxruntime-web in this thread. Nothing but the graph is
 * read, and nothing is fetched. The bundle of this package holds transformers.js as it is built for browsers (package.json,
 * `kimera.bundled`): its build for Node imports sharp and onnxruntime-node, which are native, and a second ONNX Runtime.
 */
export async function openTransformersSession({
  runtime,
  folder,
  graph,
  config,
  externalData,
}: TransformersSessionOptions): Promise<GraphSession> {
  Object.assign(globalThis, { [RUNTIME]: runtime });
  const { AutoModel, env, LogLevel, PretrainedConfig, Tensor } = await import('@xenova/transformers');
  env.allowRemoteModels = false;
  env.fetch = (url) => Promise.reject(new Error(`nothing is fetched, so ${String(url)} is not`));
  env.useBrowserCache = false;
  env.useWasmCache = false;
  // Failures reach the caller; logged, they would show the token ids of texts.
  env.logLevel = LogLevel.NONE;
  env.useCustomCache = true;
  env.customCache = {
    match: (name) => Promise.resolve(name.endsWith(graph) ? join(folder, graph) : undefined),
    put: () => Promise.resolve(),
  };
  const model = await AutoModel.from_pretrained('model', {
    config: new PretrainedConfig(config),
    local_files_only: true,
    subfolder: dirname(graph),
    model_file_name: basename(graph, '.onnx'),
    // No suffix to the file's name; the weights are of whatever type the graph has.
    dtype: 'fp32',
    device: 'auto',
    session_options: sessionOptions(externalData),
  });
  const session = model.sessions['model'] as InferenceSession;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds) =>
      model.forward(
        Object.fromEntries(
          Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, [...dims])]),
        ),
      ),
  };
}
