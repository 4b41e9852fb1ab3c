import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  batchSize, checkTokenBatch, InvalidTokenBatchError, textIds, UnsupportedHeadError,
  type BackendOutput, type EmbeddingSpace, type ErrorTable, type HeadRequest, type InferenceBackend, type TokenBatch, type Variant, type VariantName,
} from '@kimera/core';
import { checkProbes, chooseVariant, type ModelFolder } from '@kimera/model-folder';
import { WorkerPool } from '@kimera/worker-pool';
import { equalLengthGroups } from './equal-length-groups.js';
import { InferenceError } from './inference-error.js';
import { Int8SaturationError } from './int8-saturation-error.js';
import type { GroupRequest, GroupResponse, WorkerData } from './messages.js';
import { ModelLoadError } from './model-load-error.js';
import { OutputOfTexts } from './output-of-texts.js';

/** Tokens of one call of ONNX Runtime: past a few thousand the speed no longer rises and the arena, which never shrinks, does. */
const TOKENS_PER_RUN = 4_096;

export interface OnnxBackendOptions {
  readonly folder: ModelFolder;
  /** Default: the folder's first. */
  readonly variant?: VariantName;
  /** Threads that each hold a session; default 1. */
  readonly workers?: number;
  /**
   * `packed` (default): copied into the form that products are fastest in. `mapped`: read where the file is mapped, slower, in a fraction of the memory
   * and of the time to load: for measuring a few texts.
   */
  readonly weights?: 'packed' | 'mapped';
  /** Threads of one session; default: the processors divided by the workers. */
  readonly intraOpThreads?: number;
}

const errors: ErrorTable = {
  INT8_SATURATION: ({ fields }) => new Int8SaturationError(String(fields['graph'])),
  MODEL_LOAD: ({ fields }) => new ModelLoadError(String(fields['path']), String(fields['reason'])),
  INFERENCE: ({ fields }) => new InferenceError(Number(fields['texts']), Number(fields['tokens']), String(fields['reason'])),
};

/** The fast graph on onnxruntime-node in worker threads. */
export class OnnxBackend implements InferenceBackend {
  readonly name = 'onnx';

  private constructor(
    readonly space: EmbeddingSpace,
    readonly variant: Variant,
    private readonly folder: ModelFolder,
    private readonly pool: WorkerPool,
  ) {}

  /** Loads without checking the probes: for measuring a folder. Everything that serves uses {@link openOnnxBackend}. */
  static async load({ folder, variant: name, workers = 1, weights = 'packed', intraOpThreads = Math.max(1, Math.floor(availableParallelism() / workers)) }: OnnxBackendOptions): Promise<OnnxBackend> {
    const variant = chooseVariant(folder, name);
    const { fast, selfTest } = variant.graphs;
    const data: WorkerData = {
      graphPath: join(folder.path, fast), intraOpThreads, weights, heads: folder.space.heads, ...(selfTest === undefined ? {} : { selfTestPath: join(folder.path, selfTest) }),
    };
    const pool = await WorkerPool.open({ name: 'onnx', module: new URL('./onnx-worker.ts', import.meta.url), data, size: workers, errors, closing: 'finish' });
    return new OnnxBackend(folder.space, { name: variant.name, fidelity: variant.fidelity }, folder, pool);
  }

  /** Worker threads that died and were replaced. */
  get workerDeaths(): number {
    return this.pool.deaths;
  }

  /** For tests of recovery: the next `requests` to a worker thread, second attempts included, end it as a crash would. */
  crashUnder(requests: number): void {
    this.pool.crashUnder(requests);
  }

  async run(batch: TokenBatch, { heads }: HeadRequest): Promise<BackendOutput> {
    checkTokenBatch(batch, this.space.maxTokens);
    const { vocabularySize } = this.folder.file.architecture;
    const beyond = batch.ids.findIndex((id) => id < 0 || id >= vocabularySize);
    if (beyond >= 0) throw new InvalidTokenBatchError(`token id ${batch.ids[beyond]} is not in the vocabulary of ${vocabularySize}`);
    for (const head of heads) if (!this.space.heads.includes(head)) throw new UnsupportedHeadError(head, this.space.heads);
    if (heads.length === 0) return {};
    const output = new OutputOfTexts(batchSize(batch), this.folder);
    await Promise.all(
      equalLengthGroups(batch, TOKENS_PER_RUN).map(async ({ tokens, texts }) => {
        const ids = new Int32Array(texts.length * tokens);
        texts.forEach((text, row) => ids.set(textIds(batch, text), row * tokens));
        const promptTokens = Int32Array.from(texts, (text) => batch.promptTokens?.[text] ?? 0);
        const request: GroupRequest = { ids, texts: texts.length, tokens, heads, promptTokens };
        const response = (await this.pool.call(request)) as GroupResponse;
        texts.forEach((text, row) => output.set(text, textIds(batch, text), row, texts.length, response));
      }),
    );
    return Object.fromEntries(heads.map((head) => [head, output[head]]));
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** Loads a model folder and runs its probes. @throws ModelLoadError, Int8SaturationError, ProbeMismatchError, UnknownVariantError: then nothing serves. */
export async function openOnnxBackend(options: OnnxBackendOptions): Promise<OnnxBackend> {
  const backend = await OnnxBackend.load(options);
  try {
    await checkProbes(backend, options.folder.probes);
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}
