import { checkProbes, type ModelFolder, type SpaceFileVariant } from '@kimera/model-folder/pure';
import type { FastGraph } from './fast-graph.js';
import { GraphBackend } from './graph-backend.js';

/** What a graph is to serve. Structured-cloneable: it crosses to worker threads. */
export interface Served {
  readonly folder: ModelFolder;
  readonly variant: SpaceFileVariant;
}

/**
 * Runs the folder's probes on a graph that was just loaded: by whoever loads one, so that no session ever serves
 * without. @param name of the backend. @throws ProbeMismatchError.
 */
export async function checkGraph(name: string, graph: FastGraph, { folder, variant }: Served): Promise<void> {
  const runner = {
    call: (request: Parameters<FastGraph['run']>[0]) => graph.run(request),
    close: () => Promise.resolve(),
  };
  await checkProbes(new GraphBackend({ name, folder, variant, runner, tokensOfARun: 1 }), folder.probes);
}
