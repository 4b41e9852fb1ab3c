import { availableParallelism } from 'node:os';
import type { VariantName } from '@kimera/core';
import { GraphBackend, graphErrors } from '@kimera/fast-graph';
import { chooseVariant, type ModelFolder } from '@kimera/model-folder';
import { WorkerPool } from '@kimera/worker-pool';
import {
  type ExecutionProvider,
  graphOptions,
  nativeBackendName,
  type WorkerData,
  type WorkerNote,
} from './graph-options.js';
import { disableTelemetry } from './no-telemetry.js';
import { OnnxSessions, type PoolShape } from './onnx-sessions.js';
import { PackedWeights, type PackedWeightsOptions } from './packed/packed-weights.js';
import { probeNative } from './probe-native.js';

/**
 * Tokens of one run of ONNX Runtime: past a few thousand the speed no longer rises and the arena, which never shrinks,
 * does.
 */
export const ONNX_RUN_TOKENS = 4_096;
/**
 * Of a session of one thread: what an operator leaves to the next one stays in the processor's own cache then. Several
 * threads would wait for each other more often (docs/decisions/2026-11-30-run-length.md).
 */
const ONE_THREAD_RUN_TOKENS = 512;

export interface OnnxBackendOptions {
  readonly folder: ModelFolder;
  /** Default: the folder's first. */
  readonly variant?: VariantName;
  /**
   * Threads that each hold a session. Default: one; where packed weights are kept, and once they are there, also one a
   * processor, {@link MOST_SIDE_BY_SIDE} at most: these take the texts where many come at once.
   */
  readonly workers?: number | undefined;
  /** What computes; default 'cpu'. @see EXECUTION_PROVIDERS */
  readonly executionProvider?: ExecutionProvider;
  /** Threads of one session; default: the processors divided by the workers. */
  readonly intraOpThreads?: number;
  /** Where packed weights are kept, on the processor alone; absent: each session packs its own copy. */
  readonly packedWeights?: PackedWeightsOptions | undefined;
  /**
   * Module of the worker threads; default: this package's own. What stands in for it answers as it does: a test gives
   * one that dies.
   */
  readonly worker?: URL;
}

/** Sessions of one thread, or of a share of the threads: each takes some 20 MB beside the weights. */
const MOST_SIDE_BY_SIDE = 16;

function threadsOf(workers: number): number {
  return Math.max(1, Math.floor(availableParallelism() / workers));
}

/** As many sessions as a session of all threads has, with a share of them each; undefined where that is one. */
function sideBySide(threads: number): PoolShape | undefined {
  const workers = Math.min(threads, MOST_SIDE_BY_SIDE);
  return workers > 1 ? { workers, intraOpThreads: Math.floor(threads / workers) } : undefined;
}

/** The fast graph on onnxruntime-node in worker threads. */
export class OnnxBackend extends GraphBackend<OnnxSessions> {
  /** Whether sessions that share the weights take concurrent texts. */
  get isSideBySide(): boolean {
    return this.runner.isSideBySide;
  }
  /** Worker threads that died and were replaced. */
  get workerDeaths(): number {
    return this.runner.deaths;
  }
}

/**
 * Loads a model folder; every session that is ever opened for it, those of replaced workers too, runs its probes first.
 * @throws NativeRuntimeError, ModelLoadError, Int8SaturationError, ProbeMismatchError, UnknownVariantError: then
 * nothing serves.
 */
export async function openOnnxBackend({
  folder,
  variant: wanted,
  workers,
  executionProvider = 'cpu',
  intraOpThreads = threadsOf(workers ?? 1),
  packedWeights,
  worker = new URL('../dist/onnx-worker.js', import.meta.url),
}: OnnxBackendOptions): Promise<OnnxBackend> {
  disableTelemetry();
  await probeNative();
  const variant = chooseVariant(folder, wanted);
  const data: WorkerData = {
    graph: graphOptions(folder, variant, { intraOpThreads, weights: 'packed', executionProvider }),
    served: { folder, variant },
  };
  const packing =
    packedWeights === undefined || executionProvider !== 'cpu'
      ? undefined
      : await PackedWeights.open(data, packedWeights);
  const runner = await OnnxSessions.open({
    openPool: ({ workers: size, intraOpThreads: threads }, packed, tell) =>
      WorkerPool.open({
        name: 'onnx',
        module: worker,
        data: { ...data, packed, graph: { ...data.graph, intraOpThreads: threads } } satisfies WorkerData,
        size,
        errors: graphErrors,
        closing: 'finish',
        onReady: (note) => tell(note as WorkerNote),
      }),
    shape: { workers: workers ?? 1, intraOpThreads },
    sideBySide: workers === undefined ? sideBySide(intraOpThreads) : undefined,
    packing,
    oneThreadRunTokens: executionProvider === 'cpu' ? ONE_THREAD_RUN_TOKENS : undefined,
  });
  return new OnnxBackend({
    name: nativeBackendName(executionProvider),
    folder,
    variant,
    runner,
    tokensOfARun: ONNX_RUN_TOKENS,
    // One run of texts of all lengths is faster than one a length (docs/decisions/2026-11-30-unequal-lengths.md); on
    // other processors each group would cost a way to them.
    lengths: executionProvider === 'cpu' ? 'mixed' : 'equal',
  });
}
