import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { VariantName } from '@kimera/core';
import { graphErrors } from '@kimera/fast-graph';
import type { ModelFolder } from '@kimera/model-folder';
import { WorkerPool } from '@kimera/worker-pool';
import { openFitting } from '../open-fitting.js';
import { WasmGraphBackend } from '../wasm-graph-backend.js';
import { weightFiles } from '../weight-files.js';
import { WASM_WORKER } from '../workers.js';
import type { WorkerData } from './worker-data.js';

export interface WasmBackendOptions {
  readonly folder: ModelFolder;
  /**
   * ServedVariant or refused. Where absent: the folder's first, or, if that does not fit into WebAssembly, another of the same
   * space that does and holds.
   */
  readonly variant?: VariantName;
  /** Threads that each hold a session; default 1. */
  readonly workers?: number;
  /** Threads of one session; default: the processors divided by the workers. */
  readonly threads?: number;
  /**
   * Module of the worker threads; default: this package's own. What stands in for it answers as it does: a test gives
   * one that dies.
   */
  readonly worker?: URL;
}

/** The fast graph on onnxruntime-web, through transformers.js, in worker threads. */
export class WasmBackend extends WasmGraphBackend<WorkerPool> {
  /** Worker threads that died and were replaced. */
  get workerDeaths(): number {
    return this.runner.deaths;
  }
}

/**
 * Loads a model folder, without native code or network; every session that is ever opened for it, those of replaced
 * workers too, runs its probes first.
 * @throws WasmMemoryError, ModelLoadError, Int8SaturationError, ProbeMismatchError, UnknownVariantError: then nothing
 * serves.
 */
export async function openWasmBackend({
  folder,
  variant,
  workers = 1,
  threads = Math.max(1, Math.floor(availableParallelism() / workers)),
  worker = WASM_WORKER,
}: WasmBackendOptions): Promise<WasmBackend> {
  return openFitting({
    folder,
    variant,
    readFile: (name) => readFile(join(folder.path, name)),
    open: async (fitting) => {
      const { fast, selfTest } = fitting.variant.graphs;
      const data: WorkerData = {
        folder: folder.path,
        graph: fast,
        weights: weightFiles(fitting.graph, fast, folder.file.files),
        threads,
        served: { folder, variant: fitting.variant },
        ...(selfTest === undefined ? {} : { selfTest }),
      };
      const runner = await WorkerPool.open({
        name: 'wasm',
        module: worker,
        data,
        size: workers,
        errors: graphErrors,
      });
      return new WasmBackend({ folder, variant: fitting.variant, runner, longestText: fitting.longestText });
    },
  });
}
