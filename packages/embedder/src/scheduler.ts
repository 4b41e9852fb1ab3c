import {
  type BackendOutput,
  ClosedError,
  type Head,
  headsOfText,
  type InferenceBackend,
  type Lane,
  tokenBatch,
} from '@kimera/core';
import { outputsName, type TextOutput } from './embedding-cache.js';
import { QueueFullError } from './errors.js';
import { LaneQueue } from './lane-queue.js';
import type { BatchTiming } from './statistics.js';

export interface SchedulerCall {
  readonly texts: readonly Int32Array[];
  readonly heads: readonly Head[];
  /** `false`: the dense vectors before their normalisation. */
  readonly normalize?: false | undefined;
  /** Tokens at the head of each text that are the prompt's. */
  readonly promptTokens: number;
  readonly lane: Lane;
  readonly signal?: AbortSignal | undefined;
}

/** One text's tokens waiting for its output. */
interface Item {
  readonly ids: Int32Array;
  readonly job: Job;
  /** Position in its call. */
  readonly index: number;
}

/** One call: all its texts go in one lane and come back in order. */
interface Job {
  readonly outputs: TextOutput[];
  readonly heads: readonly Head[];
  readonly normalize: false | undefined;
  readonly promptTokens: number;
  readonly lane: Lane;
  /** Texts without an output. */
  left: number;
  /** Tokens that wait in the lane. */
  waitingTokens: number;
  done: boolean;
  readonly signal: AbortSignal | undefined;
  readonly aborted: () => void;
  readonly resolve: (outputs: readonly TextOutput[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface SchedulerOptions {
  readonly backend: InferenceBackend;
  /** Tokens of one batch, of a bulk one at most {@link BULK_BATCH_TOKENS}; a longer text goes alone. */
  readonly batchTokens: number;
  /**
   * Tokens that may wait in a lane; beyond, calls are refused. Bulk work that waits does not keep interactive work out.
   */
  readonly queueTokens: number;
  /** Batches under way at once. */
  readonly concurrency: number;
  readonly onBatch: (batch: BatchTiming) => void;
  /** Tokens a second, measured; 0 before the first batch. */
  readonly tokensPerSecond: () => number;
}

/**
 * Tokens of a bulk batch at most. An interactive text waits for the batches under way, which cannot be stopped: two of
 * 4,096 tokens take about a second on two cores. Texts of like length go together, so that small batches are still full
 * ones.
 */
const BULK_BATCH_TOKENS = 1_024;
/**
 * After this many interactive batches in a row, a waiting bulk batch goes first: bulk always gets a fifth of the
 * batches.
 */
const BULK_EVERY = 5;

/**
 * Cuts calls into batches by a token budget. Texts of concurrent calls share batches; interactive texts go before bulk
 * ones, which are never starved ({@link BULK_EVERY}). Within a lane texts of like length go together ({@link
 * LaneQueue}).
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #lanes: Readonly<Record<Lane, LaneQueue<Item>>> = { interactive: new LaneQueue(), bulk: new LaneQueue() };
  readonly #waitingTokens: Record<Lane, number> = { interactive: 0, bulk: 0 };
  #running = 0;
  #interactiveInARow = 0;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Tokens waiting. */
  waiting(lane: Lane): number {
    return this.#waitingTokens[lane];
  }

  /** For each text, in order. @throws QueueFullError, ClosedError, the signal's reason, the backend's errors. */
  async run({ texts, heads, normalize, promptTokens, lane, signal }: SchedulerCall): Promise<readonly TextOutput[]> {
    if (this.#closed) throw new ClosedError('the embedder');
    signal?.throwIfAborted();
    if (texts.length === 0) return [];
    const tokens = texts.reduce((sum, ids) => sum + ids.length, 0);
    const waiting = this.#waitingTokens[lane];
    // A call larger than the whole queue is let in when nothing else waits.
    if (waiting > 0 && waiting + tokens > this.#options.queueTokens) throw this.#queueFull(waiting, tokens);
    return new Promise((resolve, reject) => {
      const job: Job = {
        outputs: new Array<TextOutput>(texts.length),
        heads,
        normalize,
        promptTokens,
        lane,
        left: texts.length,
        waitingTokens: tokens,
        done: false,
        signal,
        aborted: () => this.#fail(job, signal?.reason),
        resolve,
        reject,
      };
      texts.forEach((ids, index) => this.#lanes[lane].push({ ids, job, index }));
      this.#waitingTokens[lane] += tokens;
      signal?.addEventListener('abort', job.aborted, { once: true });
      queueMicrotask(() => this.#next());
    });
  }

  close(): void {
    this.#closed = true;
    for (const lane of ['interactive', 'bulk'] as const)
      for (const { job } of this.#lanes[lane].drain()) this.#fail(job, new ClosedError('the embedder'));
  }

  /** The call has room once that much of what waits was computed; one that is larger than the queue once nothing waits. */
  #queueFull(waiting: number, tokens: number): QueueFullError {
    const { queueTokens, tokensPerSecond } = this.#options;
    const rate = tokensPerSecond();
    const before = Math.min(waiting, waiting + tokens - queueTokens);
    return new QueueFullError(
      queueTokens,
      waiting,
      rate > 0 ? Math.ceil(Date.now() + (before * 1000) / rate) : undefined,
    );
  }

  #next(): void {
    while (this.#running < this.#options.concurrency) {
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#running += 1;
      void this.#execute(batch).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  #take(): readonly Item[] {
    const { interactive, bulk } = this.#lanes;
    const bulkFirst = !bulk.isEmpty && (interactive.isEmpty || this.#interactiveInARow >= BULK_EVERY - 1);
    const lane: Lane = bulkFirst ? 'bulk' : 'interactive';
    const { batchTokens } = this.#options;
    const batch = this.#lanes[lane].take(lane === 'bulk' ? Math.min(batchTokens, BULK_BATCH_TOKENS) : batchTokens);
    if (batch.length === 0) return batch;
    this.#interactiveInARow = lane === 'interactive' ? this.#interactiveInARow + 1 : 0;
    for (const { ids, job } of batch) {
      job.waitingTokens -= ids.length;
      this.#waitingTokens[lane] -= ids.length;
    }
    return batch;
  }

  /** Calls that ask for the same outputs share a run: nobody pays for a head that only a neighbour wants. */
  async #execute(batch: readonly Item[]): Promise<void> {
    const outputsOf = ({ job }: Item): string => outputsName(job.heads, job.normalize);
    for (const outputs of new Set(batch.map(outputsOf)))
      await this.#runTogether(batch.filter((item) => outputsOf(item) === outputs));
  }

  async #runTogether(batch: readonly Item[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { heads, normalize } = first.job;
    const started = performance.now();
    const { backend, onBatch } = this.#options;
    try {
      const promptTokens = Int32Array.from(batch, ({ job }) => job.promptTokens);
      const output = await backend.run(
        { ...tokenBatch(batch.map(({ ids }) => ids)), promptTokens },
        { heads, normalize },
      );
      const outputs = outputsOfTexts(output, heads, batch.length, backend);
      onBatch({
        texts: batch.length,
        tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
        started,
        ended: performance.now(),
      });
      batch.forEach((item, row) => this.#finish(item, outputs[row] as TextOutput));
    } catch (error) {
      const jobs = [...new Set(batch.map(({ job }) => job))];
      if (jobs.length === 1) {
        for (const job of jobs) this.#fail(job, error);
        return;
      }
      // One call's poison must not fail its neighbours: each call again, alone.
      for (const job of jobs) await this.#runTogether(batch.filter((item) => item.job === job && !job.done));
    }
  }

  #finish({ job, index }: Item, output: TextOutput): void {
    if (job.done) return;
    job.outputs[index] = output;
    job.left -= 1;
    if (job.left > 0) return;
    this.#settle(job);
    job.resolve(job.outputs);
  }

  #fail(job: Job, error: unknown): void {
    if (job.done) return;
    this.#settle(job);
    job.reject(error);
  }

  /** Its texts that still wait are not computed, and a signal that outlives the call does not keep it. */
  #settle(job: Job): void {
    job.done = true;
    this.#waitingTokens[job.lane] -= job.waitingTokens;
    job.waitingTokens = 0;
    job.signal?.removeEventListener('abort', job.aborted);
  }
}

/**
 * Cuts the output of B texts. @throws Error where a backend breaks its contract: a programming error, not one of a
 * caller.
 */
function outputsOfTexts(
  output: BackendOutput,
  heads: readonly Head[],
  texts: number,
  { name, variant, space: { dimension } }: InferenceBackend,
): readonly TextOutput[] {
  const { dense, sparse, colbert } = output;
  const sizes: Readonly<Record<Head, number | undefined>> = {
    dense: dense === undefined ? undefined : dense.length / dimension,
    sparse: sparse?.length,
    colbert: colbert?.length,
  };
  for (const head of heads)
    if (sizes[head] !== texts)
      throw new Error(`backend ${name} returned ${head} for ${sizes[head]} texts instead of ${texts}`);
  return Array.from({ length: texts }, (_, i) => ({
    ...headsOfText(output, i, texts),
    variant: output.variant ?? variant.name,
  }));
}
