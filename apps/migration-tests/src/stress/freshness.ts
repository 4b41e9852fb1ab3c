import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresStore } from '@kimera/store-postgres';
import type { Application } from './application.js';
import type { OwnServer } from './own-server.js';

const LOOK_MILLISECONDS = 25;
const PAUSE_MILLISECONDS = 500;
/** A row that is not there after this long counts as so long. */
const PATIENCE_MILLISECONDS = 60_000;
/** Above every row that the writers touch. */
const FIRST_ID = 9_000_000_000_000;

/** How long it takes until a row that SQL changed has the vector of its text in the active space, where searches find it. */
export class Freshness {
  readonly #stop = new AbortController();
  #loop: Promise<unknown> = Promise.resolve();
  #milliseconds: number[] = [];

  constructor(
    private readonly application: Application,
    private readonly store: PostgresStore,
    private readonly collection: string,
    private readonly server: OwnServer,
  ) {}

  start(): void {
    this.#loop = this.#measure();
  }

  /** What was measured since the last call. */
  take(): readonly number[] {
    return this.#milliseconds.splice(0);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #measure(): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 0; !signal.aborted; turn++) {
      try {
        const time = await this.#once(turn);
        if (time !== undefined) this.#milliseconds.push(time);
      } catch (error) {
        // What a restart interrupts is measured anew.
        if (!this.server.isAway) throw error;
      }
      await delay(PAUSE_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #once(turn: number): Promise<number | undefined> {
    const id = FIRST_ID + (turn % 10);
    const text = `a row that is looked for ${turn} ${Date.now()}`;
    const hash = createHash('sha256').update(text).digest('hex');
    await this.application.touch(id, text);
    const started = performance.now();
    for (;;) {
      const { activeSpace } = await this.store.collections.collection(this.collection);
      const [vector] = await this.store.vectors.readVectors(this.collection, activeSpace, [String(id)]);
      const took = performance.now() - started;
      if (vector?.contentHash === hash || took > PATIENCE_MILLISECONDS) return took;
      if (this.#stop.signal.aborted) return undefined;
      await delay(LOOK_MILLISECONDS);
    }
  }
}
