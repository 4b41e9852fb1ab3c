import { Int8SaturationError } from '@kimera/core';
// Not from 'pure': a worker thread would load the schema of space.json, which takes longer than the thread's own start.
import { checkProbes } from '@kimera/model-folder/probe';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder/pure';
import type { FastGraph } from './fast-graph.js';
import { GraphBackend } from './graph-backend.js';
import type { GraphSession } from './graph-session.js';

/** What a graph is to serve. Structured-cloneable: it crosses to worker threads. */
export interface ServedVariant {
  readonly folder: ModelFolder;
  readonly variant: SpaceFileVariant;
}

/**
 * Runs the folder's probes on a graph that was just loaded: by whoever loads one, so that no session ever serves
 * without. @param name of the backend. @throws ProbeMismatchError.
 */
export async function checkGraph(name: string, graph: FastGraph, { folder, variant }: ServedVariant): Promise<void> {
  const runner = {
    call: (runs: Parameters<FastGraph['runAll']>[0]) => graph.runAll(runs),
    close: () => Promise.resolve(),
  };
  await checkProbes(new GraphBackend({ name, folder, variant, runner, tokensOfARun: 1 }), folder.probes);
}

/**
 * Runs an int8 variant's self-test, a product that saturates where the variant would give other vectors.
 * @param path only for messages. @throws Int8SaturationError.
 */
export async function checkInt8(session: GraphSession, path: string): Promise<void> {
  const { holds } = await session.run({ a: { type: 'uint8', data: new Uint8Array(64).fill(255), dims: [1, 64] } }, [
    'holds',
  ]);
  if (!(holds?.data instanceof Uint8Array && holds.data[0] === 1)) throw new Int8SaturationError(path);
}
