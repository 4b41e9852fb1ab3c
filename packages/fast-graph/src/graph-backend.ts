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
import { type EqualLengthGroup, equalLengthGroups } from './equal-length-groups.js';
import type { GroupRequest, GroupResponse } from './group.js';
import { OutputOfTexts } from './output-of-texts.js';

/** Runs groups on a {@link FastGraph}: worker threads that each hold one, or one in the same thread. */
export interface GroupRunner {
  /** One after the other: GroupRequest[] to GroupResponse[]. */
  call(groups: readonly GroupRequest[], order?: RunOrder): Promise<unknown>;
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
  /** Groups that the runner runs at the same time; default 1. */
  readonly workers?: number;
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
  readonly #workers: number;

  constructor({
    name,
    folder,
    variant: { name: variant, fidelity },
    runner,
    tokensOfARun,
    workers = 1,
  }: GraphBackendParts<Runner>) {
    this.name = name;
    this.space = folder.space;
    this.variant = { name: variant, fidelity };
    this.runner = runner;
    this.#folder = folder;
    this.#tokensOfARun = tokensOfARun;
    this.#workers = workers;
  }

  async run(batch: TokenBatch, { heads, normalize, order }: HeadRequest): Promise<BackendOutput> {
    checkRun(batch, { heads }, this.space, this.#folder.file.architecture.vocabularySize);
    if (heads.length === 0) return {};
    const output = new OutputOfTexts(batchSize(batch), this.#folder);
    const groups = equalLengthGroups(batch, this.#tokensOfARun);
    // Groups go together: the runner need not come back for each.
    const tokensOfACall = Math.min(this.#tokensOfARun, Math.ceil(batch.ids.length / this.#workers));
    await Promise.all(
      inCalls(groups, tokensOfACall).map(async (together) => {
        const requests = together.map(({ tokens, texts }): GroupRequest => ({
          ids: idsOf(batch, texts, tokens),
          texts: texts.length,
          tokens,
          heads,
          // Where the graph does not normalise, its vectors are what was asked for.
          normalize: this.space.normalize ? normalize : undefined,
          promptTokens: Int32Array.from(texts, (text) => batch.promptTokens?.[text] ?? 0),
        }));
        const responses = (await this.runner.call(requests, order).catch((error: unknown) => {
          // Clients are told the model, not where it lies.
          throw error instanceof UnnormalizedOutputError ? new UnnormalizedOutputError(this.space.modelId) : error;
        })) as readonly GroupResponse[];
        together.forEach(({ texts }, i) =>
          texts.forEach((text, row) =>
            output.set(text, textIds(batch, text), row, texts.length, responses[i] as GroupResponse),
          ),
        );
      }),
    );
    return Object.fromEntries(heads.map((head) => [head, output[head]]));
  }

  close(): Promise<void> {
    return this.runner.close();
  }
}

/** Groups of so many tokens together at most, in their order; a larger one alone. */
function inCalls(groups: readonly EqualLengthGroup[], tokens: number): readonly (readonly EqualLengthGroup[])[] {
  const calls: EqualLengthGroup[][] = [];
  let left = 0;
  for (const group of groups) {
    const size = group.tokens * group.texts.length;
    if (calls.length === 0 || size > left) {
      calls.push([]);
      left = tokens;
    }
    calls.at(-1)?.push(group);
    left -= size;
  }
  return calls;
}

/** [B, T] of a group: the batch's own where it is all of it, since texts keep their order. */
function idsOf(batch: TokenBatch, texts: readonly number[], tokens: number): Int32Array {
  // A part of a longer buffer is copied: a message to a worker would take all of it.
  if (texts.length === batchSize(batch) && batch.ids.byteLength === batch.ids.buffer.byteLength) return batch.ids;
  const ids = new Int32Array(texts.length * tokens);
  texts.forEach((text, row) => ids.set(textIds(batch, text), row * tokens));
  return ids;
}
