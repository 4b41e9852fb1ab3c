import { Worker } from 'node:worker_threads';
import { ClosedError, type ErrorTable, fromPortableError, type RunOrder, reasonOf } from '@kimera/core';
import { WorkerDiedError } from './errors.js';
import type { StopMessage, ReadyMessage, RequestMessage, ResponseMessage } from './messages.js';

export interface WorkerPoolOptions {
  /** For messages. */
  readonly name: string;
  /** URL of a JavaScript module that calls `serveWorker`. */
  readonly module: URL;
  readonly data: unknown;
  readonly size: number;
  /** When threads start: with the pool (default), or with the first request, which fails where none can be started. */
  readonly start?: 'at once' | 'when needed';
  readonly errors?: ErrorTable;
  /** Attempts a request gets when workers die under it; default 2. Use 1 where a request must not run twice. */
  readonly attempts?: number;
  /**
   * What `close` does with a worker at work: `terminate` (default), or `finish` its request first. A thread that is
   * terminated inside onnxruntime-node 1.30 aborts the whole process.
   */
  readonly closing?: 'terminate' | 'finish';
  /** Told for each worker that is ready, those that take the place of dead ones too, what its factory told. */
  readonly onReady?: (note: unknown) => void;
}

interface Call {
  readonly request: unknown;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
  died: number;
}

interface Seat {
  readonly worker: Worker;
  /** Those that it was sent; it is at work on the first. */
  readonly calls: Call[];
}

/**
 * A single worker is sent so many requests at a time, so that it has the next one at hand even while this thread is busy.
 * Only requests in order 'first' are sent ahead: another request cannot go before one that was sent.
 */
const SENT_AT_ONCE = 2;

/**
 * A fixed number of worker threads that answer requests, one request a worker at a time, first come first served. A
 * worker that dies is replaced and its request tried again, at most `attempts` times in all.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #seats: Seat[] = [];
  readonly #waiting: Readonly<Record<RunOrder, Call[]>> = { first: [], last: [] };
  /** Workers being started. */
  readonly #opening = new Set<Promise<void>>();
  #closed = false;
  #deaths = 0;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts the workers and waits until each is ready. Rejects with the worker's own error where its factory failed. */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    if (options.start === 'when needed') return pool;
    try {
      await Promise.all(Array.from({ length: options.size }, () => pool.#open()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Requests waiting for a worker. */
  get queued(): number {
    return this.#waiting.first.length + this.#waiting.last.length;
  }
  /** Workers that ended without being asked to, since the start. */
  get deaths(): number {
    return this.#deaths;
  }
  get threadIds(): readonly number[] {
    return this.#seats.map((seat) => seat.worker.threadId);
  }

  /**
   * The request is cloned to the worker. @param order 'first': before those that wait in order 'last'. @throws the
   * worker's error with its class, WorkerDiedError, ClosedError; where no worker can be started any more, why.
   */
  call(request: unknown, order: RunOrder = 'last'): Promise<unknown> {
    if (this.#closed) return Promise.reject(new ClosedError(this.#options.name));
    return new Promise((resolve, reject) => {
      this.#waiting[order].push({ request, resolve, reject, died: 0 });
      this.#next();
    });
  }

  /** Ends all threads; calls under way and waiting are rejected with ClosedError. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const calls = [...this.#takeAll(), ...this.#seats.flatMap((seat) => seat.calls)];
    const workers = this.#seats.splice(0).map((seat) => seat.worker);
    for (const call of calls) call.reject(new ClosedError(this.#options.name));
    await Promise.all([
      ...workers.map((worker) => this.#end(worker)),
      ...[...this.#opening].map((opening) => opening.catch(() => undefined)),
    ]);
  }

  #takeAll(): readonly Call[] {
    return [...this.#waiting.first.splice(0), ...this.#waiting.last.splice(0)];
  }

  async #end(worker: Worker): Promise<void> {
    if (this.#options.closing !== 'finish') {
      await worker.terminate();
      return;
    }
    const stop: StopMessage = { control: 'stop' };
    worker.ref();
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage(stop);
    await ended;
  }

  #open(): Promise<void> {
    const opening = this.#seat().finally(() => this.#opening.delete(opening));
    this.#opening.add(opening);
    return opening;
  }

  async #seat(): Promise<void> {
    const worker = new Worker(this.#options.module, { workerData: this.#options.data });
    const seat: Seat = { worker, calls: [] };
    let failure = 'exit';
    worker.on('error', (error) => {
      failure = reasonOf(error);
    });
    await new Promise<void>((resolve, reject) => {
      const exited = (): void => reject(new WorkerDiedError(this.#options.name, 1, failure));
      worker.once('exit', exited);
      worker.once('message', (message: ReadyMessage) => {
        worker.off('exit', exited);
        if (message.ready) {
          this.#options.onReady?.(message.note);
          resolve();
        } else {
          const { error } = message;
          void worker.terminate().then(() => reject(fromPortableError(error, this.#options.errors ?? {})));
        }
      });
    });
    if (this.#closed) {
      await this.#end(worker);
      return;
    }
    worker.on('message', (message: ResponseMessage) => this.#answer(seat, message));
    worker.on('exit', () => this.#buried(seat, failure));
    worker.unref();
    this.#seats.push(seat);
    this.#next();
  }

  #next(): void {
    const { first, last } = this.#waiting;
    for (const seat of this.#seats) {
      while (seat.calls.length === 0 && this.queued > 0) this.#send(seat, first.shift() ?? last.shift());
      const sentAtOnce = this.#options.size === 1 ? SENT_AT_ONCE : 1;
      while (seat.calls.length < sentAtOnce && first.length > 0) this.#send(seat, first.shift());
    }
    this.#refill();
  }

  #send({ worker, calls }: Seat, call: Call | undefined): void {
    if (call === undefined) return;
    const message: RequestMessage = { request: call.request };
    try {
      worker.postMessage(message);
    } catch (error) {
      // The request cannot be cloned: the caller's mistake, which must not cost the seat.
      call.reject(asError(error));
      return;
    }
    calls.push(call);
    worker.ref();
  }

  /**
   * Starts workers for empty seats as long as calls wait: also where an earlier start failed, so that a pool recovers
   * with its cause.
   */
  #refill(): void {
    while (!this.#closed && this.queued > 0 && this.#seats.length + this.#opening.size < this.#options.size)
      this.#replace();
  }

  #replace(): void {
    this.#open().catch((error: unknown) => {
      if (this.#seats.length + this.#opening.size > 0) return;
      for (const waiting of this.#takeAll()) waiting.reject(asError(error));
    });
  }

  #answer(seat: Seat, message: ResponseMessage): void {
    const call = seat.calls.shift();
    if (seat.calls.length === 0) seat.worker.unref();
    if ('error' in message) call?.reject(fromPortableError(message.error, this.#options.errors ?? {}));
    else call?.resolve(message.response);
    this.#next();
  }

  #buried(seat: Seat, reason: string): void {
    const index = this.#seats.indexOf(seat);
    if (index < 0 || this.#closed) return;
    this.#seats.splice(index, 1);
    this.#deaths += 1;
    const [call, ...unbegun] = seat.calls;
    this.#waiting.first.unshift(...unbegun);
    if (call !== undefined) {
      call.died += 1;
      if (call.died < (this.#options.attempts ?? 2)) this.#waiting.first.unshift(call);
      else call.reject(new WorkerDiedError(this.#options.name, call.died, reason));
    }
    this.#replace();
  }
}

/** What is thrown is nearly always an error, and may be anything. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
