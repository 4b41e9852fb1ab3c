import { setTimeout as delay } from 'node:timers/promises';
import { type QueryVector, type TextEmbedder, reasonOf } from '@kimera/core';
import { searchCollection } from '@kimera/migration';
import type { PostgresStore } from '@kimera/store-postgres';
import type { OwnServer } from './own-server.js';

const PAUSE_MILLISECONDS = 100;
const QUESTIONS = ['a river and a stone', 'winter music', 'the engine of a bridge', 'a silver letter', 'candles'];

/** Searches of the active space, by the library call, with vectors that were made before. */
export class Readers {
  readonly #stop = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  readonly milliseconds: number[] = [];
  /** While the server was away, or coming back. */
  atRestarts = 0;
  readonly errors: string[] = [];

  private constructor(
    private readonly store: PostgresStore,
    private readonly collection: string,
    private readonly server: OwnServer,
    private readonly vectors: ReadonlyMap<string, readonly QueryVector[]>,
  ) {}

  static async of(
    store: PostgresStore,
    collection: string,
    server: OwnServer,
    models: readonly TextEmbedder[],
  ): Promise<Readers> {
    const vectors = new Map<string, readonly QueryVector[]>();
    for (const model of models) {
      const embeddings = await model.encodeBatch(QUESTIONS, { role: 'query' });
      vectors.set(
        model.space.fingerprint,
        embeddings.map(({ dense = new Float32Array(), space }) => ({ space, dense })),
      );
    }
    return new Readers(store, collection, server, vectors);
  }

  start(count: number): void {
    this.#loops = Promise.all(Array.from({ length: count }, (_, i) => this.#read(i)));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
  }

  async #read(number: number): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = number; !signal.aborted; turn++) {
      const started = performance.now();
      try {
        const { hits } = await searchCollection(
          {
            store: this.store,
            collection: this.collection,
            modelOf: async ({ fingerprint }) => ({
              encodeText: async () => ({
                ...(this.vectors.get(fingerprint)?.[turn % QUESTIONS.length] ?? { space: fingerprint }),
                ...{ tokens: 1, totalTokens: 1, truncated: false, variant: 'fp32', tokenizerRevision: 1 },
              }),
            }),
          },
          QUESTIONS[turn % QUESTIONS.length] ?? '',
          { limit: 10 },
        );
        if (hits.length !== 10) throw new Error(`${hits.length} hits instead of 10`);
        this.milliseconds.push(performance.now() - started);
      } catch (error) {
        if (this.server.isAway) this.atRestarts += 1;
        else this.errors.push(reasonOf(error));
      }
      await delay(PAUSE_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
  }
}
