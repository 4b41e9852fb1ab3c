import { ClosedError, tokenBatch, type HeadRequest, type InferenceBackend, type Lane } from '@kimera/core';
import { QueueFullError } from './errors/queue-full-error.js';
import { LaneQueue } from './lane-queue.js';

/** One text's tokens waiting for its vector. */
interface Item {
  readonly ids: Int32Array;
  readonly job: Job;
  /** Position in its call. */
  readonly index: number;
}

/** One call: all its texts go in one lane and come back in order. */
interface Job {
  readonly dense: Float32Array[];
  readonly lane: Lane;
  /** Texts without a vector. */
  left: number;
  /** Tokens that wait in the lane. */
  waitingTokens: number;
  done: boolean;
  readonly signal: AbortSignal | undefined;
  readonly aborted: () => void;
  readonly resolve: (dense: readonly Float32Array[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface SchedulerOptions {
  readonly backend: InferenceBackend;
  /** Tokens of one batch, of a bulk one at most {@link BULK_BATCH_TOKENS}; a longer text goes alone. */
  readonly batchTokens: number;
  /** Tokens that may wait in a lane; beyond, calls are refused. Bulk work that waits does not keep interactive work out. */
  readonly queueTokens: number;
  /** Batches under way at once. */
  readonly concurrency: number;
  /** `started` and `ended` by `performance.now()`. */
  readonly onBatch: (batch: { readonly tokens: number; readonly started: number; readonly ended: number }) => void;
}

const DENSE: HeadRequest = { heads: ['dense'] };
/**
 * Tokens of a bulk batch at most. An interactive text waits for the batches under way, which cannot be stopped: two of 4,096 tokens take about
 * a second on two cores. Texts of like length go together, so that small batches are still full ones.
 */
const BULK_BATCH_TOKENS = 1_024;
/** After this many interactive batches in a row, a waiting bulk batch goes first: bulk always gets a fifth of the batches. */
const BULK_EVERY = 5;

/**
 * Cuts calls into batches by a token budget. Texts of concurrent calls share batches; interactive texts go before bulk ones, which are
 * never starved ({@link BULK_EVERY}). Within a lane texts of like length go together ({@link LaneQueue}).
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

  /** [D] for each text, in order. @throws QueueFullError, ClosedError, the signal's reason, the backend's errors. */
  run(texts: readonly Int32Array[], lane: Lane, signal?: AbortSignal): Promise<readonly Float32Array[]> {
    if (this.#closed) return Promise.reject(new ClosedError('the embedder'));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (texts.length === 0) return Promise.resolve([]);
    const tokens = texts.reduce((sum, ids) => sum + ids.length, 0);
    const waiting = this.#waitingTokens[lane];
    // A call larger than the whole queue is let in when nothing else waits.
    if (waiting > 0 && waiting + tokens > this.#options.queueTokens) return Promise.reject(new QueueFullError(this.#options.queueTokens, waiting));
    return new Promise((resolve, reject) => {
      const job: Job = {
        dense: new Array<Float32Array>(texts.length), lane, left: texts.length, waitingTokens: tokens, done: false,
        signal, aborted: () => this.#fail(job, signal?.reason), resolve, reject,
      };
      texts.forEach((ids, index) => this.#lanes[lane].push({ ids, job, index }));
      this.#waitingTokens[lane] += tokens;
      signal?.addEventListener('abort', job.aborted, { once: true });
      queueMicrotask(() => this.#next());
    });
  }

  close(): void {
    this.#closed = true;
    for (const lane of ['interactive', 'bulk'] as const) for (const { job } of this.#lanes[lane].drain()) this.#fail(job, new ClosedError('the embedder'));
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

  async #execute(batch: readonly Item[]): Promise<void> {
    if (batch.length === 0) return;
    const started = performance.now();
    const { backend, onBatch } = this.#options;
    try {
      const { dense } = await backend.run(tokenBatch(batch.map(({ ids }) => ids)), DENSE);
      const { dimension } = backend.space;
      if (dense === undefined || dense.length !== batch.length * dimension) throw new Error(`backend ${backend.name} returned ${dense?.length} numbers for ${batch.length} texts of ${dimension}`);
      onBatch({ tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0), started, ended: performance.now() });
      batch.forEach((item, row) => this.#finish(item, dense.slice(row * dimension, (row + 1) * dimension)));
    } catch (error) {
      const jobs = [...new Set(batch.map(({ job }) => job))];
      if (jobs.length === 1) {
        for (const job of jobs) this.#fail(job, error);
        return;
      }
      // One call's poison must not fail its neighbours: each call again, alone.
      for (const job of jobs) await this.#execute(batch.filter((item) => item.job === job && !job.done));
    }
  }

  #finish({ job, index }: Item, dense: Float32Array): void {
    if (job.done) return;
    job.dense[index] = dense;
    job.left -= 1;
    if (job.left > 0) return;
    this.#settle(job);
    job.resolve(job.dense);
  }

  #fail(job: Job, error: unknown): void {
    if (job.done) return;
    this.#settle(job);
    job.reject(error);
  }

  /** Its texts that still wait are passed over, and a signal that outlives the call does not keep it. */
  #settle(job: Job): void {
    job.done = true;
    this.#waitingTokens[job.lane] -= job.waitingTokens;
    job.waitingTokens = 0;
    job.signal?.removeEventListener('abort', job.aborted);
  }
}
