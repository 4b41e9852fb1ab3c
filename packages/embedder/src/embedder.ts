import {
  checkHeads,
  type DecodeOptions,
  type Derivation,
  DerivedHeadError,
  deriveSpace,
  deriveVector,
  describeSpace,
  promptOf,
  checkPositions,
  tokenLimit,
  textIds,
  type BatchTokenizer,
  type EmbeddingSpace,
  type Embedding,
  type EncodeOptions,
  type EncodeTextOptions,
  type InferenceBackend,
  type PromptName,
  type SpaceDescription,
  type TextEmbedder,
  type TokenColumns,
} from '@kimera/core';
import type { Probe } from '@kimera/model-folder/pure';
import { TOKENIZER_REVISION } from '@kimera/tokenizers/pure';
import type { FallbackStatus } from './fallback/backend-step.js';
import { testExpectation, testProbe, type ModelExpectation, type ModelTest, type ProbeTest } from './model-test.js';
import { EmbeddingCache, type OutputRequest, type TextOutput } from './embedding-cache.js';
import { QueueFullError } from './errors.js';
import { type QueueSeconds, Scheduler, type SchedulerCall } from './scheduler.js';
import { Speed } from './speed.js';
import { Statistics, type BatchTiming, type PerformanceStats } from './statistics.js';

/** Tokens of one batch. */
export const DEFAULT_BATCH_TOKENS = 4_096;
export const DEFAULT_QUEUE_SECONDS: QueueSeconds = { interactive: 60, bulk: 60 };
/** UTF-16 units that one thread tokenises in a second, before it was measured; texts that are less are not waited for. */
const USUAL_UNITS_PER_SECOND = 1_000_000;
const LONG_UNITS = 50_000;

export interface EmbedderParts {
  readonly backend: InferenceBackend;
  readonly tokenizer: BatchTokenizer;
  readonly probes: readonly Probe[];
  /** Of a backend with several steps. */
  readonly fallback?: () => FallbackStatus;
  readonly batchTokens?: number;
  /** A call that would wait longer for its turn is refused, by the speed of the last seconds. */
  readonly maxQueueSeconds?: QueueSeconds;
  /**
   * Memory for the outputs of texts that may come again; default 0, no cache. Bulk work looks into it and leaves it as
   * it is.
   */
  readonly cacheBytes?: number;
}

export interface EmbedOptions extends EncodeTextOptions {
  /** The space that the vectors are to be of; default: the model's own. */
  readonly derivation?: Derivation | undefined;
  /** The end at which a text beyond the limit loses its tokens; default: that of the space. The special tokens stay. */
  readonly truncationSide?: EncodeOptions['truncationSide'];
}

export interface EncodeTokensOptions extends Omit<EmbedOptions, 'role' | 'truncationSide'> {
  /** Told how long it waited and was computed; not where the cache had all texts. */
  readonly onTimes?: SchedulerCall['onTimes'];
  /** Tokens of the texts before they were cut, where they were; [B]. */
  readonly totalTokens?: ArrayLike<number>;
  /**
   * Tokens at the head of each text that are the prompt's, [CLS] included; default 0. Only spaces with `promptPooling`
   * look at it.
   */
  readonly promptTokens?: number;
}

/** B texts as token ids. */
export interface TokenizedTexts {
  readonly ids: readonly Int32Array[];
  /** [B] T before truncation. */
  readonly totalTokens: Int32Array;
  /** Tokens at the head of each text that are the prompt's; 0 where the space does not look at them. */
  readonly promptTokens: number;
}

/** Text in, vectors out: prompts by role, tokens, batches by token budget in two lanes. */
export class Embedder implements TextEmbedder {
  readonly space: EmbeddingSpace;
  readonly #parts: EmbedderParts;
  readonly #scheduler: Scheduler;
  readonly #statistics = new Statistics();
  readonly #batchListeners: ((batch: BatchTiming) => void)[] = [];
  readonly #cache: EmbeddingCache;
  /** Derived spaces that were asked for, by their rules. */
  readonly #derived = new Map<string, Promise<EmbeddingSpace>>();
  readonly #maxQueueSeconds: QueueSeconds;
  readonly #tokenizing = new Speed(USUAL_UNITS_PER_SECOND, LONG_UNITS);
  /** UTF-16 units of the long texts that are being tokenised. */
  #waitingUnits = 0;

  constructor(parts: EmbedderParts) {
    this.#parts = parts;
    this.space = parts.backend.space;
    this.#cache = new EmbeddingCache(parts.cacheBytes ?? 0);
    this.#maxQueueSeconds = parts.maxQueueSeconds ?? DEFAULT_QUEUE_SECONDS;
    this.#scheduler = new Scheduler({
      backend: parts.backend,
      batchTokens: parts.batchTokens ?? DEFAULT_BATCH_TOKENS,
      maxQueueSeconds: this.#maxQueueSeconds,
      concurrency: 2,
      onBatch: (batch) => {
        this.#statistics.batch(batch);
        for (const listener of this.#batchListeners) listener(batch);
      },
    });
  }

  /** Told of each batch from now on. */
  onBatch(listener: (batch: BatchTiming) => void): void {
    this.#batchListeners.push(listener);
  }

  /** The backends that can serve its space, and which does. */
  get fallback(): FallbackStatus {
    return (
      this.#parts.fallback?.() ?? {
        steps: [{ name: this.#parts.backend.name, state: 'serving', failures: 0 }],
        degraded: false,
        changes: 0,
      }
    );
  }

  /**
   * The space of the vectors that calls with this derivation get. @throws DerivedDimensionsError, DerivedDtypeError.
   */
  spaceOf({ normalize, dimensions, dtype }: Derivation = {}): Promise<EmbeddingSpace> {
    const key = `${String(normalize)},${String(dimensions)},${String(dtype)}`;
    const known = this.#derived.get(key);
    if (known !== undefined) return known;
    const derived = deriveSpace(this.space, { normalize, dimensions, dtype });
    this.#derived.set(key, derived);
    // What is refused is not kept: there is no end of it.
    derived.catch(() => this.#derived.delete(key));
    return derived;
  }

  /** The model's own space, then the derived ones that were asked for. */
  async describeSpaces(): Promise<readonly SpaceDescription[]> {
    const derived = await Promise.allSettled(this.#derived.values());
    const spaces = derived.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return [...new Map([this.space, ...spaces].map((space) => [space.fingerprint, describeSpace(space)])).values()];
  }

  async encodeText(text: string, options: EmbedOptions = {}): Promise<Embedding> {
    const [embedding] = await this.encodeBatch([text], options);
    if (embedding === undefined) throw new Error('no embedding for one text');
    return embedding;
  }

  /**
   * Texts beyond the limit are cut and say so. @throws UnknownRoleError, UnsupportedHeadError, QueueFullError,
   * ClosedError, the backend's errors; with a derivation also DerivedDimensionsError, DerivedDtypeError,
   * DerivedHeadError (another head than dense with a dtype), UnnormalizedOutputError, ZeroVectorError (a text whose
   * first n numbers are all zero).
   */
  async encodeBatch(texts: readonly string[], options: EmbedOptions = {}): Promise<readonly Embedding[]> {
    const { role, truncationSide, ...rest } = options;
    await this.#checkedSpace(rest);
    const { ids, ...counts } = await this.tokenize(texts, role, { ...rest, truncationSide });
    return this.encodeTokens(ids, { ...rest, ...counts });
  }

  /**
   * The texts behind the prompt of their role, as `encodeTokens` takes them; texts beyond the limit are cut: at the left
   * the prompt is what they lose first, since it is part of the text. @param options of the call that they are for:
   * where it would be refused anyway, it is refused before they are tokenised. @throws UnknownRoleError, QueueFullError,
   * the signal's reason.
   */
  async tokenize(
    texts: readonly string[],
    role?: PromptName,
    {
      lane = 'interactive',
      client,
      signal,
      truncationSide,
    }: Pick<EmbedOptions, 'lane' | 'client' | 'signal' | 'truncationSide'> = {},
  ): Promise<TokenizedTexts> {
    try {
      signal?.throwIfAborted();
      this.#scheduler.check({ lane, client, tokens: texts.length });
      const limit = tokenLimit(this.space);
      return await this.#tokenizeBehind(
        promptOf(this.space, role),
        texts,
        { ...limit, truncationSide: truncationSide ?? limit.truncationSide },
        { lane, ...(signal === undefined ? {} : { signal }) },
      );
    } catch (error) {
      this.#failed(error, signal);
      throw error;
    }
  }

  /**
   * The tokens of the texts behind their prompt, uncut: `detailedTokens` goes through them. @param promptName a role or
   * another prompt of the space; that of its default role where absent. @throws UnknownRoleError, the signal's reason.
   */
  async tokenizeDetailed(
    texts: readonly string[],
    {
      addSpecialTokens,
      promptName,
      signal,
    }: {
      readonly addSpecialTokens?: boolean | undefined;
      readonly promptName?: PromptName | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<readonly TokenColumns[]> {
    const prompt = promptOf(this.space, promptName);
    const prompted = prompt === '' ? texts : texts.map((text) => prompt + text);
    return this.#parts.tokenizer.tokenColumns(prompted, { addSpecialTokens }, signal);
  }

  /** The text of each list of token ids. Ids beyond the vocabulary are left out. @throws the signal's reason. */
  decode(
    lists: readonly Int32Array[],
    { signal, ...options }: DecodeOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<readonly string[]> {
    return this.#parts.tokenizer.decodeBatch(lists, options, signal);
  }

  /**
   * For callers that bring token ids of this model, special tokens included. Order kept. @throws InvalidTokenBatchError
   * and as encodeBatch.
   */
  async encodeTokens(texts: readonly Int32Array[], options: EncodeTokensOptions = {}): Promise<readonly Embedding[]> {
    const { heads = ['dense'], lane = 'interactive', client, signal, onTimes, totalTokens, promptTokens = 0 } = options;
    const space = await this.#checkedSpace(options);
    checkPositions(
      this.space,
      texts.map(({ length }) => length),
    );
    const started = performance.now();
    try {
      const request: OutputRequest = { heads, normalize: space.derived?.normalize, promptTokens };
      const outputs = await this.#outputs(texts, request, { lane, client, signal, onTimes });
      const embeddings = outputs.map(({ dense, colbert, ...rest }, i): Embedding => {
        const tokens = (texts[i] as Int32Array).length;
        const total = totalTokens?.[i] ?? tokens;
        return {
          ...(dense === undefined ? {} : deriveVector(dense, space)),
          ...rest,
          ...(colbert === undefined
            ? {}
            : { colbert: rows(colbert, this.space.colbertDimension ?? this.space.dimension) }),
          tokens,
          totalTokens: total,
          truncated: total > tokens,
          space: space.fingerprint,
          tokenizerRevision: TOKENIZER_REVISION,
        };
      });
      this.#statistics.call(
        performance.now() - started,
        texts.length,
        embeddings.filter(({ truncated }) => truncated).length,
      );
      return embeddings;
    } catch (error) {
      this.#failed(error, signal);
      throw error;
    }
  }

  getPerformanceStats(): PerformanceStats {
    const { texts, tokens, batches, truncated, errors, refused, dropped, latency } = this.#statistics;
    return {
      texts,
      tokens,
      batches,
      truncated,
      errors,
      refused,
      dropped,
      latency,
      textsPerSecond: this.#statistics.perSecond(this.#statistics.computed),
      tokensPerSecond: this.#statistics.perSecond(tokens),
      queue: { interactive: this.#scheduler.waiting('interactive'), bulk: this.#scheduler.waiting('bulk') },
      queueSeconds: {
        interactive: this.#scheduler.waitSeconds('interactive'),
        bulk: this.#scheduler.waitSeconds('bulk'),
      },
      backend: this.#parts.backend.name,
      variant: this.#parts.backend.variant.name,
      cache: this.#cache.stats,
      fallback: this.fallback,
      memoryBytes: typeof process === 'undefined' ? 0 : process.memoryUsage.rss(),
    };
  }

  /**
   * The probes through the whole path, text to vectors, every head, and what the model is taken for. A probe without a
   * role is a text without a prompt, whatever the default role.
   */
  async testModel(expected: ModelExpectation = {}): Promise<ModelTest> {
    const { heads, modelId, fingerprint, dimension, maxTokens } = this.space;
    const { backend } = this.#parts;
    const probes: ProbeTest[] = [];
    for (const probe of this.#parts.probes) {
      const { ids, ...counts } = await this.#tokenizeBehind(
        probe.role === null ? '' : promptOf(this.space, probe.role),
        [probe.text],
        tokenLimit(this.space),
      );
      const [output] = await this.#scheduler.run({
        texts: ids,
        heads,
        promptTokens: counts.promptTokens,
        lane: 'interactive',
      });
      probes.push(testProbe(probe, ids[0] ?? new Int32Array(), output ?? {}, backend.variant));
    }
    const expectations = testExpectation(expected, this.space);
    return {
      holds: [...expectations, ...probes].every(({ holds }) => holds),
      expectations,
      modelId,
      space: fingerprint,
      dimension,
      maxTokens,
      heads,
      backend: backend.name,
      variant: backend.variant.name,
      probes,
    };
  }

  /** Calls under way are rejected with ClosedError. Idempotent. */
  async close(): Promise<void> {
    this.#scheduler.close();
    await Promise.all([this.#parts.tokenizer.close(), this.#parts.backend.close()]);
  }

  /** @throws as spaceOf, UnsupportedHeadError, DerivedHeadError. */
  async #checkedSpace({
    heads = ['dense'],
    derivation = {},
  }: Pick<EmbedOptions, 'heads' | 'derivation'>): Promise<EmbeddingSpace> {
    checkHeads(heads, this.space);
    const { dtype } = derivation;
    for (const head of heads) if (head !== 'dense' && dtype !== undefined) throw new DerivedHeadError(head, dtype);
    return this.spaceOf(derivation);
  }

  /** From the cache what is there, the rest from the backend. */
  async #outputs(
    texts: readonly Int32Array[],
    request: OutputRequest,
    caller: Pick<SchedulerCall, 'lane' | 'client' | 'signal' | 'onTimes'>,
  ): Promise<readonly TextOutput[]> {
    caller.signal?.throwIfAborted();
    // What a lossy variant gave while it stood in does not outlive it.
    const { variant } = this.#parts.backend;
    const known = texts.map((ids) => this.#cache.get(ids, request, variant.name));
    const missing = texts.filter((_, i) => known[i] === undefined);
    const computed = await this.#scheduler.run({ texts: missing, ...request, ...caller });
    if (caller.lane === 'interactive')
      computed.forEach((output, i) => this.#cache.set(missing[i] as Int32Array, request, output));
    let next = 0;
    return known.map((output) => output ?? (computed[next++] as TextOutput));
  }

  #failed(error: unknown, signal: AbortSignal | undefined): void {
    if (error instanceof QueueFullError) this.#statistics.refused += 1;
    else if (signal?.aborted === true) this.#statistics.dropped += 1;
    else this.#statistics.errors += 1;
  }

  async #tokenizeBehind(
    prompt: string,
    texts: readonly string[],
    limit: EncodeOptions,
    call: Pick<EmbedOptions, 'lane' | 'signal'> = {},
  ): Promise<TokenizedTexts> {
    const prompted = prompt === '' ? texts : texts.map((text) => prompt + text);
    const [{ batch, totalTokens }, promptTokens] = await Promise.all([
      this.#tokenize(prompted, limit, call),
      this.#promptTokens(prompt),
    ]);
    return { ids: texts.map((_, i) => textIds(batch, i)), totalTokens, promptTokens };
  }

  /**
   * How many tokens the prompt adds at the head of a text: those of the prompt alone without the special token that
   * ends a text (sentence-transformers 5.7).
   */
  async #promptTokens(prompt: string): Promise<number> {
    if (prompt === '' || this.space.promptPooling === undefined) return 0;
    const { batch } = await this.#tokenize([prompt, ''], tokenLimit(this.space));
    const end = batch.ids.at(-1);
    const alone = batch.ids.subarray(0, batch.offsets[1]);
    return alone.length - (alone.at(-1) === end ? 1 : 0);
  }

  /** Long calls take turns; one that would wait too long for its own is refused, as in the queue behind. */
  async #tokenize(
    texts: readonly string[],
    options: EncodeOptions,
    { lane = 'interactive', signal }: Pick<EmbedOptions, 'lane' | 'signal'> = {},
  ): ReturnType<BatchTokenizer['encodeBatch']> {
    const { tokenizer } = this.#parts;
    const units = unitsOf(texts);
    if (units < LONG_UNITS) return tokenizer.encodeBatch(texts, options, signal);
    const waiting = this.#waitingUnits / this.#tokenizing.perSecond;
    const limit = this.#maxQueueSeconds[lane];
    if (waiting > limit) throw new QueueFullError(limit, waiting, Math.ceil(Date.now() + (waiting - limit) * 1_000));
    this.#waitingUnits += units;
    this.#tokenizing.begin(performance.now());
    try {
      return await tokenizer.encodeBatch(texts, options, signal);
    } finally {
      this.#waitingUnits -= units;
      this.#tokenizing.end(signal?.aborted === true ? 0 : units, performance.now());
    }
  }
}

function unitsOf(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** [T', C] as T' views. */
function rows(matrix: Float32Array, width: number): readonly Float32Array[] {
  return Array.from({ length: matrix.length / width }, (_, i) => matrix.subarray(i * width, (i + 1) * width));
}
