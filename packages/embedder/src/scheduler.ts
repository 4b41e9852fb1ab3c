import { ClosedError, tokenBatch, type HeadRequest, type InferenceBackend, type Lane } from '@kimera/core';
import { QueueFullError } from './errors/queue-full-error.js';

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
  left: number;
  done: boolean;
  readonly resolve: (dense: readonly Float32Array[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface SchedulerOptions {
  readonly backend: InferenceBackend;
  /** Tokens of one batch; a longer text goes alone. */
  readonly batchTokens: number;
  /** Tokens that may wait; beyond, calls are refused. */
  readonly queueTokens: number;
  /** Batches under way at once. */
  readonly concurrency: number;
  readonly onBatch: (batch: { readonly texts: number; readonly tokens: number; readonly milliseconds: number }) => void;
}

const DENSE: HeadRequest = { heads: ['dense'] };
/** After this many interactive batches in a row, a waiting bulk batch goes first: bulk always gets a fifth of the batches. */
const BULK_EVERY = 5;

/**
 * Cuts calls into batches by a token budget. Texts of concurrent calls share batches; interactive texts go before bulk ones, which are
 * never starved ({@link BULK_EVERY}). Within a lane a window is sorted by length, so that the backend finds texts of equal length together.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #lanes: Record<Lane, Item[]> = { interactive: [], bulk: [] };
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
    const waiting = this.#waitingTokens.interactive + this.#waitingTokens.bulk;
    // A call larger than the whole queue is let in when nothing else waits.
    if (waiting > 0 && waiting + tokens > this.#options.queueTokens) return Promise.reject(new QueueFullError(this.#options.queueTokens, waiting));
    return new Promise((resolve, reject) => {
      const job: Job = { dense: new Array<Float32Array>(texts.length), lane, left: texts.length, done: false, resolve, reject };
      texts.forEach((ids, index) => this.#lanes[lane].push({ ids, job, index }));
      this.#waitingTokens[lane] += tokens;
      signal?.addEventListener('abort', () => this.#fail(job, signal.reason), { once: true });
      queueMicrotask(() => this.#next());
    });
  }

  close(): void {
    this.#closed = true;
    for (const lane of ['interactive', 'bulk'] as const) for (const item of [...this.#lanes[lane]]) this.#fail(item.job, new ClosedError('the embedder'));
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
    const bulkFirst = bulk.length > 0 && (interactive.length === 0 || this.#interactiveInARow >= BULK_EVERY - 1);
    const lane: Lane = bulkFirst ? 'bulk' : 'interactive';
    const items = this.#lanes[lane];
    if (items.length === 0) return [];
    this.#interactiveInARow = lane === 'interactive' ? this.#interactiveInARow + 1 : 0;
    // Whatever fits into a few batches is sorted by length; the oldest text's length decides where the batch is cut from, so none waits for ever.
    const window = items.slice(0, 1_024).sort((a, b) => a.ids.length - b.ids.length);
    const oldest = window.indexOf(items[0] as Item);
    const batch: Item[] = [];
    let tokens = 0;
    for (let i = oldest; i >= 0 && i < window.length; i++) {
      const item = window[i] as Item;
      if (batch.length > 0 && tokens + item.ids.length > this.#options.batchTokens) break;
      batch.push(item);
      tokens += item.ids.length;
    }
    const taken = new Set(batch);
    this.#lanes[lane] = items.filter((item) => !taken.has(item));
    this.#waitingTokens[lane] -= tokens;
    return batch;
  }

  async #execute(batch: readonly Item[]): Promise<void> {
    const started = performance.now();
    const { backend, onBatch } = this.#options;
    try {
      const { dense } = await backend.run(tokenBatch(batch.map(({ ids }) => ids)), DENSE);
      const { dimension } = backend.space;
      if (dense === undefined || dense.length !== batch.length * dimension) throw new Error(`backend ${backend.name} returned ${dense?.length} numbers for ${batch.length} texts of ${dimension}`);
      onBatch({ texts: batch.length, tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0), milliseconds: performance.now() - started });
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
    job.done = true;
    job.resolve(job.dense);
  }

  #fail(job: Job, error: unknown): void {
    if (job.done) return;
    job.done = true;
    this.#lanes[job.lane] = this.#lanes[job.lane].filter((item) => {
      if (item.job !== job) return true;
      this.#waitingTokens[job.lane] -= item.ids.length;
      return false;
    });
    job.reject(error);
  }
}
