import { reasonOf } from '@kimera/core';
import type { FastGraph, RunRequest } from '@kimera/fast-graph';
import { serveWorker } from '@kimera/worker-pool';
import type { WorkerData, WorkerNote } from './graph-options.js';
import { openCheckedGraph } from './open-graph.js';

/** `session.run` blocks its thread: one session a worker. */
void serveWorker(async (data, tell) => {
  const graph = await openServing(data as WorkerData, tell);
  return async (request) => {
    const response = await graph.runAll(request as readonly RunRequest[]);
    return { response, transfer: response.flatMap((run) => Object.values(run).map(({ buffer }) => buffer)) };
  };
});

/** The packed graph where there is one and it holds, else that of the model folder. */
async function openServing(data: WorkerData, tell: (note: WorkerNote) => void): Promise<FastGraph> {
  if (data.packed !== undefined)
    try {
      const { graph } = await openCheckedGraph(data, data.packed);
      tell({ shared: true });
      return graph;
    } catch (error) {
      tell({ shared: false, refused: reasonOf(error) });
    }
  else tell({ shared: false });
  return (await openCheckedGraph(data)).graph;
}
