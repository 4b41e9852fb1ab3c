import { type RunOrder, reasonOf } from '@kimera/core';
import type { GraphRunner, RunRequest, SessionsOfBatch } from '@kimera/fast-graph';
import type { WorkerPool } from '@kimera/worker-pool';
import type { PackedGraph, WorkerNote } from './graph-options.js';
import type { PackedWeights } from './packed/packed-weights.js';

/** Worker threads that each hold a session. */
export interface PoolShape {
  readonly workers: number;
  /** Of one session. */
  readonly intraOpThreads: number;
}

/** @param tell called for each worker that is ready. */
export type OpenPool = (
  shape: PoolShape,
  packed: PackedGraph | undefined,
  tell: (note: WorkerNote) => void,
) => Promise<WorkerPool>;

export interface OnnxSessionsOptions {
  readonly openPool: OpenPool;
  /** Sessions that always serve. */
  readonly shape: PoolShape;
  /** Sessions that are opened beside them when they share the weights: for many texts at once. */
  readonly sideBySide?: PoolShape | undefined;
  readonly packing?: PackedWeights | undefined;
  /** Tokens of one run of a session of one thread; default: those of any other. */
  readonly oneThreadRunTokens?: number | undefined;
}

/**
 * A longer text goes to the session of all threads, whatever else there is: one thread would take many times as long for
 * it, and threads wait little for each other in such a run.
 */
const LONG_TEXT_TOKENS = 1_024;

/** A pool with the calls that it has not answered. */
class BusyPool {
  readonly #calls = new Map<Promise<unknown>, number>();

  constructor(
    readonly pool: WorkerPool,
    readonly shape: PoolShape,
  ) {}

  /** That are computed, or wait. */
  get texts(): number {
    return [...this.#calls.values()].reduce((sum, texts) => sum + texts, 0);
  }

  call(runs: readonly RunRequest[], order?: RunOrder): Promise<unknown> {
    const answer = this.pool.call(runs, order);
    this.#calls.set(
      answer,
      runs.reduce((sum, { promptTokens }) => sum + promptTokens.length, 0),
    );
    const forget = (): void => void this.#calls.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** Closes it when all its calls are answered. */
  async retire(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls.keys());
    await this.pool.close();
  }
}

/**
 * The sessions of one graph. Where its packed weights are not there yet, the model folder's graph serves, and sessions
 * that share packed weights take its place, between two calls, when these are written. Sessions that share them cost
 * little memory: then those side by side take the texts where many come at once, which is faster, and the others take
 * those that come alone, with all threads.
 */
export class OnnxSessions implements GraphRunner {
  readonly #options: OnnxSessionsOptions;
  #serving: BusyPool;
  #sideBySide: BusyPool | undefined;
  #sharing: Promise<void> | undefined;
  #deathsBefore = 0;
  #isClosed = false;

  private constructor(options: OnnxSessionsOptions, serving: BusyPool) {
    this.#options = options;
    this.#serving = serving;
  }

  /** @throws the errors of the pool. */
  static async open(options: OnnxSessionsOptions): Promise<OnnxSessions> {
    const { packing, shape, openPool } = options;
    const found = await packing?.find();
    let refused: string | undefined;
    let told = (note: WorkerNote): void => {
      refused ??= note.refused;
    };
    const pool = await openPool(shape, found, (note) => told(note));
    const sessions = new OnnxSessions(options, new BusyPool(pool, shape));
    told = (note) => sessions.#told(note);
    sessions.#share(refused === undefined ? found : undefined, refused);
    return sessions;
  }

  /** Worker threads that died and were replaced. */
  get deaths(): number {
    return this.#deathsBefore + this.#serving.pool.deaths + (this.#sideBySide?.pool.deaths ?? 0);
  }

  call(runs: readonly RunRequest[], order?: RunOrder): Promise<unknown> {
    return this.#serving.call(runs, order);
  }

  /** Where fewer texts than half the sessions side by side are under way, one after the other with all threads is faster. */
  sessionsOf(texts: number, tokens: number): SessionsOfBatch {
    const sideBySide = this.#sideBySide;
    const isLong = tokens > texts * LONG_TEXT_TOKENS;
    const serving = this.#serving;
    const isAlone =
      sideBySide === undefined || isLong || (texts + serving.texts + sideBySide.texts) * 2 <= sideBySide.shape.workers;
    const runner = isAlone ? serving : sideBySide;
    const { workers, intraOpThreads } = runner.shape;
    const tokensOfARun = intraOpThreads === 1 ? this.#options.oneThreadRunTokens : undefined;
    return { runner, parallel: workers, tokensOfARun };
  }

  /** Whether sessions side by side serve. */
  get isSideBySide(): boolean {
    return this.#sideBySide !== undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#options.packing?.close();
    await this.#sharing;
    await Promise.all([this.#serving.pool.close(), this.#sideBySide?.pool.close()]);
  }

  /** What a worker told that was opened later. */
  #told({ refused }: WorkerNote): void {
    if (refused !== undefined) this.#share(undefined, refused);
  }

  /**
   * In the background; what serves goes on where it fails. @param packed what the sessions share already.
   * @param refused why what was there does not hold.
   */
  #share(packed: PackedGraph | undefined, refused?: string): void {
    const { packing } = this.#options;
    if (packing === undefined || this.#isClosed) return;
    this.#sharing ??= (packed === undefined ? this.#pack(packing, refused) : this.#openSideBySide(packed))
      .catch((error: unknown) => {
        if (!this.#isClosed) packing.tellUnavailable(reasonOf(error));
      })
      .finally(() => {
        this.#sharing = undefined;
      });
  }

  /** Writes the packed weights, and exchanges the sessions for some that share them. */
  async #pack(packing: PackedWeights, refused: string | undefined): Promise<void> {
    if (refused !== undefined) await packing.refuse(refused);
    const packed = await packing.write();
    if (packed === undefined || this.#isClosed) return;
    const { pool, isShared } = await this.#open(this.#options.shape, packed);
    const before = [this.#serving, this.#sideBySide];
    this.#serving = pool;
    this.#sideBySide = undefined;
    for (const old of before) {
      this.#deathsBefore += old?.pool.deaths ?? 0;
      await old?.retire();
    }
    if (isShared) await this.#openSideBySide(packed);
  }

  async #openSideBySide(packed: PackedGraph): Promise<void> {
    const { sideBySide } = this.#options;
    if (sideBySide === undefined || this.#isClosed) return;
    const { pool, isShared } = await this.#open(sideBySide, packed);
    // Each would have its own copy.
    if (!isShared) await pool.retire();
    else this.#sideBySide = pool;
  }

  async #open(shape: PoolShape, packed: PackedGraph): Promise<{ readonly pool: BusyPool; readonly isShared: boolean }> {
    let isShared = true;
    const pool = await this.#options.openPool(shape, packed, (note) => {
      isShared &&= note.shared;
      this.#told(note);
    });
    return { pool: new BusyPool(pool, shape), isShared };
  }
}
