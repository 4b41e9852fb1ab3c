import { checkGraph, type RunRequest } from '@kimera/fast-graph';
import { serveWorker } from '@kimera/worker-pool';
import { nativeBackendName, type WorkerData } from './graph-options.js';
import { openGraph } from './open-graph.js';

/** `session.run` blocks its thread: one session a worker. */
void serveWorker(async (data) => {
  const { graph: options, served } = data as WorkerData;
  const { graph } = await openGraph(options);
  await checkGraph(nativeBackendName(options.executionProvider), graph, served);
  return async (request) => {
    const response = await graph.runAll(request as readonly RunRequest[]);
    return { response, transfer: response.flatMap((run) => Object.values(run).map(({ buffer }) => buffer)) };
  };
});
