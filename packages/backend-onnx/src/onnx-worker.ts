import { serveWorker } from '@kimera/worker-pool';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceError } from './inference-error.js';
import type { GroupRequest, GroupResponse, WorkerData } from './messages.js';
import { ModelLoadError } from './model-load-error.js';

/** Inputs that switch a head on; only the dense one is served, so they stay off and cost nothing. */
const HEAD_SWITCHES: readonly string[] = ['want_sparse', 'want_colbert'];

/** `session.run` blocks its thread: one session a worker. */
await serveWorker(async (data) => {
  const { graphPath, intraOpThreads } = data as WorkerData;
  const session = await InferenceSession.create(graphPath, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  }).catch((error: unknown) => {
    throw new ModelLoadError(graphPath, reason(error));
  });
  const unknown = session.inputNames.filter((name) => name !== 'input_ids' && !HEAD_SWITCHES.includes(name));
  if (unknown.length > 0) throw new ModelLoadError(graphPath, `the graph asks for the inputs ${unknown.join(', ')}, which are not known`);
  const off = Object.fromEntries(session.inputNames.filter((name) => HEAD_SWITCHES.includes(name)).map((name) => [name, new Tensor('bool', [false], [])]));
  return async (request) => {
    const { ids, texts, tokens } = request as GroupRequest;
    const input = new Tensor('int64', BigInt64Array.from(ids, BigInt), [texts, tokens]);
    const output = await session.run({ input_ids: input, ...off }, ['dense']).catch((error: unknown) => {
      throw new InferenceError(texts, tokens, reason(error));
    });
    const values = output['dense']?.data;
    if (!(values instanceof Float32Array)) throw new InferenceError(texts, tokens, 'the graph has no float output "dense"');
    // ONNX Runtime's own memory cannot be transferred.
    const dense = values.slice();
    const response: GroupResponse = { dense };
    return { response, transfer: [dense.buffer] };
  };
});

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
