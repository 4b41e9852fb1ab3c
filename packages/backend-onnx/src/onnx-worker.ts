import type { Head } from '@kimera/core';
import { serveWorker } from '@kimera/worker-pool';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceError } from './inference-error.js';
import { Int8SaturationError } from './int8-saturation-error.js';
import type { GroupRequest, GroupResponse, WorkerData } from './messages.js';
import { ModelLoadError } from './model-load-error.js';

/** Inputs of the fast graph that switch a head on; off, it costs nothing. The dense head is always on. */
const SWITCHES: Readonly<Partial<Record<Head, string>>> = { sparse: 'want_sparse', colbert: 'want_colbert' };
/** How many tokens at the head of each text the pooling leaves out; where the model does so. */
const PROMPT_TOKENS = 'prompt_tokens';

/** `session.run` blocks its thread: one session a worker. */
await serveWorker(async (data) => {
  const { graphPath, intraOpThreads, weights, heads: known, selfTestPath } = data as WorkerData;
  if (selfTestPath !== undefined) await selfTest(selfTestPath);
  const session = await InferenceSession.create(graphPath, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1', ...(weights === 'mapped' ? { disable_prepacking: '1' } : {}) } },
  }).catch((error: unknown) => {
    throw new ModelLoadError(graphPath, reason(error));
  });
  checkPorts(session, graphPath, known);
  const switches = known.flatMap((head) => (SWITCHES[head] === undefined ? [] : [[head, SWITCHES[head]] as const]));
  return async (request) => {
    const { ids, texts, tokens, heads, promptTokens } = request as GroupRequest;
    const feeds: Record<string, Tensor> = { input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [texts, tokens]) };
    for (const [head, input] of switches) feeds[input] = new Tensor('bool', [heads.includes(head)], []);
    if (session.inputNames.includes(PROMPT_TOKENS)) feeds[PROMPT_TOKENS] = new Tensor('int64', BigInt64Array.from(promptTokens, BigInt), [texts]);
    const output = await session.run(feeds, heads).catch((error: unknown) => {
      throw new InferenceError(texts, tokens, reason(error));
    });
    const response: GroupResponse = Object.fromEntries(heads.map((head) => [head, floats(output[head], head, texts, tokens)]));
    return { response, transfer: Object.values(response).map(({ buffer }) => buffer) };
  };
});

/** @throws Int8SaturationError. */
async function selfTest(path: string): Promise<void> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 }).catch((error: unknown) => {
    throw new ModelLoadError(path, reason(error));
  });
  const { holds } = await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(255), [1, 64]) });
  await session.release();
  if (Number(holds?.data[0]) !== 1) throw new Int8SaturationError(path);
}

function checkPorts({ inputNames, outputNames }: InferenceSession, graphPath: string, heads: readonly Head[]): void {
  const understood = ['input_ids', PROMPT_TOKENS, ...Object.values(SWITCHES)];
  const unknown = inputNames.filter((name) => !understood.includes(name));
  if (unknown.length > 0) throw new ModelLoadError(graphPath, `the graph asks for the inputs ${unknown.join(', ')}, which are not known`);
  const missing = heads.filter((head) => !outputNames.includes(head) || !inputNames.includes(SWITCHES[head] ?? 'input_ids'));
  if (missing.length > 0) throw new ModelLoadError(graphPath, `the graph has no ${missing.join(', ')}, which space.json promises`);
}

/** A copy: ONNX Runtime's own memory cannot be transferred. */
function floats(tensor: Tensor | undefined, head: Head, texts: number, tokens: number): Float32Array<ArrayBuffer> {
  if (!(tensor?.data instanceof Float32Array)) throw new InferenceError(texts, tokens, `the graph has no float output "${head}"`);
  return tensor.data.slice();
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
