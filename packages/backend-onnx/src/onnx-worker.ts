import { checkGraph, checkInt8, FastGraph, ModelLoadError, reasonOf, type GroupRequest } from '@kimera/fast-graph';
import { serveWorker } from '@kimera/worker-pool';
import { nativeBackendName } from './execution-providers.js';
import { openNativeSession } from './native-session.js';
import type { WorkerData } from './worker-data.js';

/** `session.run` blocks its thread: one session a worker. */
await serveWorker(async (data) => {
  const { graphPath, intraOpThreads, weights, executionProvider, heads, selfTestPath, served } = data as WorkerData;
  const open: typeof openNativeSession = (path, options) =>
    openNativeSession(path, options).catch((error: unknown) => {
      throw new ModelLoadError(path, reasonOf(error));
    });
  if (selfTestPath !== undefined) {
    const selfTest = await open(selfTestPath, { intraOpNumThreads: 1 });
    await checkInt8(selfTest, selfTestPath);
    await selfTest.release();
  }
  const session = await open(graphPath, {
    executionProviders: [executionProvider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // Shapes differ from batch to batch.
    enableMemPattern: false,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1', ...(weights === 'mapped' ? { disable_prepacking: '1' } : {}) } },
  });
  const graph = new FastGraph(session, graphPath, heads);
  if (served !== undefined) await checkGraph(nativeBackendName(executionProvider), graph, served);
  return async (request) => {
    const response = await graph.run(request as GroupRequest);
    return { response, transfer: Object.values(response).map(({ buffer }) => buffer) };
  };
});
