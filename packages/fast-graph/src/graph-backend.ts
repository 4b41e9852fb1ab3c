import {
  batchSize,
  checkRun,
  textIds,
  tokenBatch,
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
import { equalLengthGroups, togetherUpTo } from './equal-length-groups.js';
import { evenParts } from './even-parts.js';
import { OutputOfTexts } from './output-of-texts.js';
import type { RunRequest, RunResponse } from './run-request.js';

/** Runs a {@link FastGraph}: worker threads that each hold one, or one in the same thread. */
export interface GraphRunner {
  /** One after the other: RunRequest[] to RunResponse[]. */
  call(runs: readonly RunRequest[], order?: RunOrder): Promise<unknown>;
  /** Which sessions take a batch of so many texts and tokens; default: one, this runner's. */
  sessionsOf?(texts: number, tokens: number): SessionsOfBatch;
  close(): Promise<void>;
}

/** The sessions that take a batch, side by side. */
export interface SessionsOfBatch {
  readonly runner: Pick<GraphRunner, 'call'>;
  readonly parallel: number;
  /** Of one run of several texts; default: that of the backend. */
  readonly tokensOfARun?: number | undefined;
}

export interface GraphBackendParts<Runner extends GraphRunner> {
  /** Of the backend. */
  readonly name: string;
  readonly folder: ModelFolder;
  readonly variant: SpaceFileVariant;
  readonly runner: Runner;
  /** Tokens of one run of several texts, where the sessions do not say. */
  readonly tokensOfARun: number;
  /** Texts of one run: of the same length (default), or of any. */
  readonly lengths?: 'equal' | 'mixed';
}

/**
 * The fast graph of one variant of a model folder as a backend: batches checked, cut into runs, put together again.
 */
export class GraphBackend<Runner extends GraphRunner = GraphRunner> implements InferenceBackend {
  readonly name: string;
  readonly space: EmbeddingSpace;
  readonly variant: Variant;
  protected readonly runner: Runner;
  readonly #folder: ModelFolder;
  readonly #tokensOfARun: number;
  readonly #mixesLengths: boolean;

  constructor({
    name,
    folder,
    variant: { name: variant, fidelity },
    runner,
    tokensOfARun,
    lengths = 'equal',
  }: GraphBackendParts<Runner>) {
    this.name = name;
    this.space = folder.space;
    this.variant = { name: variant, fidelity };
    this.runner = runner;
    this.#folder = folder;
    this.#tokensOfARun = tokensOfARun;
    this.#mixesLengths = lengths === 'mixed';
  }

  async run(batch: TokenBatch, { heads, normalize, order }: HeadRequest): Promise<BackendOutput> {
    checkRun(batch, { heads }, this.space, this.#folder.file.architecture.vocabularySize);
    if (heads.length === 0) return {};
    const output = new OutputOfTexts(batchSize(batch), this.#folder);
    const sessions = this.runner.sessionsOf?.(batchSize(batch), batch.ids.length);
    const { runner, parallel, tokensOfARun = this.#tokensOfARun } = sessions ?? { runner: this.runner, parallel: 1 };
    const together = evenParts(batch, parallel).flatMap((texts) =>
      togetherUpTo(tokensOfARun, equalLengthGroups(batch, tokensOfARun, texts)),
    );
    await Promise.all(
      together.map(async (some) => {
        const runs = this.#mixesLengths ? [some] : some.map((group) => [group]);
        const textsOf = runs.map((run) => run.flatMap(({ texts }) => texts));
        const requests = runs.map((run, i): RunRequest => {
          const texts = textsOf[i] ?? [];
          return {
            ids: tokenBatch(texts.map((text) => textIds(batch, text))).ids,
            groups: run.map((group) => ({ texts: group.texts.length, tokens: group.tokens })),
            heads,
            // Where the graph does not normalise, its vectors are what was asked for.
            normalize: this.space.normalize ? normalize : undefined,
            promptTokens: Int32Array.from(texts, (text) => batch.promptTokens?.[text] ?? 0),
          };
        });
        const responses = (await runner.call(requests, order).catch((error: unknown) => {
          // Clients are told the model, not where it lies.
          throw error instanceof UnnormalizedOutputError ? new UnnormalizedOutputError(this.space.modelId) : error;
        })) as readonly RunResponse[];
        textsOf.forEach((texts, i) => output.set(batch, texts, responses[i] ?? {}));
      }),
    );
    return Object.fromEntries(heads.map((head) => [head, output[head]]));
  }

  close(): Promise<void> {
    return this.runner.close();
  }
}
