import { setTimeout as delay } from 'node:timers/promises';
import { shortFingerprint, type EmbeddingSpace, type TextEmbedder } from '@kimera/core';
import { keep, type KeeperEvent, type OpenedModel, type SpaceLag } from '@kimera/migration';
import type { Logger } from 'pino';
import type { LentStore, StoredCollections } from './collections/stored-collections.js';

/** A database that does not open is tried again after this long. */
const AGAIN_MILLISECONDS = 2_000;

interface ClosableEmbedder extends TextEmbedder {
  close(): Promise<void>;
}

export interface KeeperParts {
  /** Those that requests search: the keeper works with the same store. */
  readonly collections: Pick<StoredCollections, 'lend' | 'notAnswered'>;
  /** Models that serve: they are used, and stay open. */
  readonly served: readonly TextEmbedder[];
  /** Opens the model of a space that is not served. @throws where there is none. */
  readonly openModel: (space: EmbeddingSpace) => Promise<ClosableEmbedder>;
  /** Of the time, that a model works for the keeper at most: above 0, up to 1. */
  readonly modelShare: number;
  readonly logger: Logger;
}

/** The keeper of a server: keeps the collections of its database current, in the bulk lane behind the requests. */
export class ServerKeeper {
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #lag: readonly SpaceLag[] = [];
  #rows = 0;
  #isAway = true;

  constructor(private readonly parts: KeeperParts) {
    this.#done = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) parts.logger.error({ err: error }, 'the keeper ended');
    });
  }

  /** Of every space of every collection, measured every few seconds. */
  get lag(): readonly SpaceLag[] {
    return this.#lag;
  }
  /** Vectors that it has written. */
  get rows(): number {
    return this.#rows;
  }
  /** The database does not answer. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Ends after the call of the model that is under way. Idempotent. */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #run(): Promise<void> {
    for (;;) {
      const lent = await this.#borrow();
      if (lent === undefined) return;
      this.#isAway = false;
      await this.#keepIn(lent);
      if (this.#stop.signal.aborted) return;
      this.#isAway = true;
    }
  }

  /** Until the store is gone, or the server closes. */
  async #keepIn(lent: LentStore): Promise<void> {
    const { collections, served, openModel, modelShare } = this.parts;
    await keep(
      {
        store: lent.store,
        openModel: async (space): Promise<OpenedModel> => {
          const known = served.find((embedder) => embedder.space.fingerprint === space.fingerprint);
          if (known !== undefined) return { embedder: known, close: async () => undefined };
          const embedder = await openModel(space);
          return { embedder, close: () => embedder.close() };
        },
      },
      {
        signal: AbortSignal.any([this.#stop.signal, lent.gone]),
        maxModelShare: modelShare,
        onEvent: (event) => {
          this.#hear(event);
          if (event.kind === 'away' && event.code === 'STORE_UNAVAILABLE') collections.notAnswered(lent);
        },
      },
    );
  }

  async #borrow(): Promise<LentStore | undefined> {
    const { collections, logger } = this.parts;
    for (let attempt = 1; !this.#stop.signal.aborted; attempt++) {
      try {
        const lent = await collections.lend();
        if (lent !== undefined) return lent;
        if (attempt === 1) logger.warn('there is no database yet: the keeper waits for it');
      } catch (error) {
        if (attempt === 1) logger.warn({ err: error }, 'the keeper waits for its database');
      }
      await delay(AGAIN_MILLISECONDS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    return undefined;
  }

  #hear(event: KeeperEvent): void {
    const { logger } = this.parts;
    switch (event.kind) {
      case 'away':
        this.#isAway = true;
        logger.warn({ reason: event.reason }, 'the keeper waits for its database');
        return;
      case 'back':
        this.#isAway = false;
        logger.info({ seconds: event.seconds }, 'the database of the keeper answers again');
        return;
      case 'no model':
        logger.warn(
          { model: event.space.modelId, space: shortFingerprint(event.space.fingerprint), err: event.error },
          'changes in a space wait: its model cannot be opened',
        );
        return;
      case 'failed':
        logger.error({ collection: event.collection, err: event.error }, 'a collection could not be kept current');
        return;
      case 'broken':
        logger.error(
          { collection: event.collection, faults: event.faults },
          'a collection is broken: it is left alone until its table is as it was',
        );
        return;
      case 'mended':
        logger.info(
          { collection: event.collection, queued: event.queued, removed: event.removed },
          'a collection is whole again',
        );
        return;
      case 'lag':
        this.#lag = event.lag;
        this.#rows = event.tally.written;
    }
  }
}
