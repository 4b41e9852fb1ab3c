import type { RunOrder } from '@kimera/core';
import type { GraphRunner, RunRequest } from '@kimera/fast-graph';
import type { WorkerPool } from '@kimera/worker-pool';
import type { PackedGraph, WorkerNote } from './graph-options.js';
import type { PackedWeights } from './packed/packed-weights.js';

/** @param tell called for each worker that is ready. */
export type OpenPool = (packed: PackedGraph | undefined, tell: (note: WorkerNote) => void) => Promise<WorkerPool>;

/** A pool with the calls that it has not answered. */
class BusyPool {
  readonly #calls = new Set<Promise<unknown>>();

  constructor(readonly pool: WorkerPool) {}

  call(runs: readonly RunRequest[], order?: RunOrder): Promise<unknown> {
    const answer = this.pool.call(runs, order);
    this.#calls.add(answer);
    const forget = (): void => void this.#calls.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** Closes it when all its calls are answered. */
  async retire(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
    await this.pool.close();
  }
}

/**
 * The sessions of one graph. Where its packed weights are not there yet, the model folder's graph serves, and sessions
 * that share packed weights take its place, between two calls, when these are written.
 */
export class OnnxSessions implements GraphRunner {
  readonly #openPool: OpenPool;
  readonly #packing: PackedWeights | undefined;
  #serving: BusyPool | undefined;
  #packed: Promise<void> | undefined;
  #deathsBefore = 0;
  #isClosed = false;

  private constructor(openPool: OpenPool, packing: PackedWeights | undefined) {
    this.#openPool = openPool;
    this.#packing = packing;
  }

  /** @throws the errors of the pool. */
  static async open(openPool: OpenPool, packing?: PackedWeights): Promise<OnnxSessions> {
    const sessions = new OnnxSessions(openPool, packing);
    const found = await packing?.find();
    sessions.#serving = await sessions.#open(found);
    if (found === undefined) sessions.#pack();
    return sessions;
  }

  /** Worker threads that died and were replaced. */
  get deaths(): number {
    return this.#deathsBefore + (this.#serving?.pool.deaths ?? 0);
  }

  call(runs: readonly RunRequest[], order?: RunOrder): Promise<unknown> {
    if (this.#serving === undefined) return Promise.reject(new Error('the sessions are not open'));
    return this.#serving.call(runs, order);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#packing?.close();
    await this.#packed;
    await this.#serving?.pool.close();
  }

  async #open(packed: PackedGraph | undefined): Promise<BusyPool> {
    return new BusyPool(await this.#openPool(packed, (note) => this.#told(note)));
  }

  #told({ refused }: WorkerNote): void {
    if (refused !== undefined && this.#packed === undefined) this.#pack(refused);
  }

  /** Writes the packed weights and opens sessions that share them. @param refused why those that were there do not hold. */
  #pack(refused?: string): void {
    const packing = this.#packing;
    if (packing === undefined) return;
    this.#packed ??= this.#share(packing, refused)
      // What serves goes on.
      .catch(() => undefined)
      .finally(() => {
        this.#packed = undefined;
      });
  }

  async #share(packing: PackedWeights, refused: string | undefined): Promise<void> {
    if (refused !== undefined) await packing.refuse(refused);
    const packed = await packing.write();
    if (packed === undefined || this.#isClosed) return;
    const next = await this.#open(packed);
    const before = this.#serving;
    this.#serving = next;
    this.#deathsBefore += before?.pool.deaths ?? 0;
    await before?.retire();
  }
}
