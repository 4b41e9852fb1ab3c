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
import { OnnxSessions } from './onnx-sessions.js';
import { PackedWeights, type PackedWeightsOptions } from './packed/packed-weights.js';
import { probeNative } from './probe-native.js';

/**
 * Tokens of one call of ONNX Runtime: past a few thousand the speed no longer rises and the arena, which never shrinks,
 * does.
 */
export const ONNX_RUN_TOKENS = 4_096;

export interface OnnxBackendOptions {
  readonly folder: ModelFolder;
  /** Default: the folder's first. */
  readonly variant?: VariantName;
  /** Threads that each hold a session; default 1. */
  readonly workers?: number;
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

/** The fast graph on onnxruntime-node in worker threads. */
export class OnnxBackend extends GraphBackend<OnnxSessions> {
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
  workers = 1,
  executionProvider = 'cpu',
  intraOpThreads = Math.max(1, Math.floor(availableParallelism() / workers)),
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
  const runner = await OnnxSessions.open(
    (packed, tell) =>
      WorkerPool.open({
        name: 'onnx',
        module: worker,
        data: { ...data, packed } satisfies WorkerData,
        size: workers,
        errors: graphErrors,
        closing: 'finish',
        onReady: (note) => tell(note as WorkerNote),
      }),
    packing,
  );
  return new OnnxBackend({
    name: nativeBackendName(executionProvider),
    folder,
    variant,
    runner,
    tokensOfARun: ONNX_RUN_TOKENS,
    workers,
    // One run of texts of all lengths is faster than one a length (docs/decisions/2026-11-30-unequal-lengths.md); on
    // other processors each group would cost a way to them.
    lengths: executionProvider === 'cpu' ? 'mixed' : 'equal',
  });
}
