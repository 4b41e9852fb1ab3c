import {
  batchSize,
  checkRun,
  textIds,
  type BackendOutput,
  type EmbeddingSpace,
  type HeadRequest,
  type InferenceBackend,
  type RunOrder,
  type TokenBatch,
  UnnormalizedOutputError,
  type Variant,
} from '@kimera/core';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder/pure';
import { equalLengthGroups } from './equal-length-groups.js';
import type { GroupRequest, GroupResponse } from './group.js';
import { OutputOfTexts } from './output-of-texts.js';

/** Runs groups on a {@link FastGraph}: worker threads that each hold one, or one in the same thread. */
export interface GroupRunner {
  /** GroupRequest to GroupResponse. */
  call(request: GroupRequest, order?: RunOrder): Promise<unknown>;
  close(): Promise<void>;
}

export interface GraphBackendParts<Runner extends GroupRunner> {
  /** Of the backend. */
  readonly name: string;
  readonly folder: ModelFolder;
  readonly variant: SpaceFileVariant;
  readonly runner: Runner;
  /** Tokens of one run of several texts. */
  readonly tokensOfARun: number;
}

/**
 * The fast graph of one variant of a model folder as a backend: batches checked, cut into groups of equal length, put
 * together again.
 */
export class GraphBackend<Runner extends GroupRunner = GroupRunner> implements InferenceBackend {
  readonly name: string;
  readonly space: EmbeddingSpace;
  readonly variant: Variant;
  protected readonly runner: Runner;
  readonly #folder: ModelFolder;
  readonly #tokensOfARun: number;

  constructor({ name, folder, variant: { name: variant, fidelity }, runner, tokensOfARun }: GraphBackendParts<Runner>) {
    this.name = name;
    this.space = folder.space;
    this.variant = { name: variant, fidelity };
    this.runner = runner;
    this.#folder = folder;
    this.#tokensOfARun = tokensOfARun;
  }

  async run(batch: TokenBatch, { heads, normalize, order }: HeadRequest): Promise<BackendOutput> {
    checkRun(batch, { heads }, this.space, this.#folder.file.architecture.vocabularySize);
    if (heads.length === 0) return {};
    const output = new OutputOfTexts(batchSize(batch), this.#folder);
    await Promise.all(
      equalLengthGroups(batch, this.#tokensOfARun).map(async ({ tokens, texts }) => {
        const ids = idsOf(batch, texts, tokens);
        const promptTokens = Int32Array.from(texts, (text) => batch.promptTokens?.[text] ?? 0);
        const request: GroupRequest = {
          ids,
          texts: texts.length,
          tokens,
          heads,
          // Where the graph does not normalise, its vectors are what was asked for.
          normalize: this.space.normalize ? normalize : undefined,
          promptTokens,
        };
        const response = (await this.runner.call(request, order).catch((error: unknown) => {
          // Clients are told the model, not where it lies.
          throw error instanceof UnnormalizedOutputError ? new UnnormalizedOutputError(this.space.modelId) : error;
        })) as GroupResponse;
        texts.forEach((text, row) => output.set(text, textIds(batch, text), row, texts.length, response));
      }),
    );
    return Object.fromEntries(heads.map((head) => [head, output[head]]));
  }

  close(): Promise<void> {
    return this.runner.close();
  }
}

/** [B, T] of a group: the batch's own where it is all of it, since texts keep their order. */
function idsOf(batch: TokenBatch, texts: readonly number[], tokens: number): Int32Array {
  // A part of a longer buffer is copied: a message to a worker would take all of it.
  if (texts.length === batchSize(batch) && batch.ids.byteLength === batch.ids.buffer.byteLength) return batch.ids;
  const ids = new Int32Array(texts.length * tokens);
  texts.forEach((text, row) => ids.set(textIds(batch, text), row * tokens));
  return ids;
}
