import { ClosedError, type EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';

export interface ModelsOnDemandParts {
  readonly open: (space: EmbeddingSpace) => Promise<Embedder>;
  /** Models that stay open while nobody uses them. Default 2: both models of a migration. */
  readonly kept?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

const MODELS_KEPT = 2;
/** How long a model that could not be prepared is left alone: an operator needs longer to bring it. */
const PREPARE_PAUSE_MILLISECONDS = 60_000;

interface OpenModel {
  readonly opening: Promise<Embedder>;
  embedder: Embedder | undefined;
  users: number;
}

/** Models that are opened when their space is first asked for. Beyond the last few that were used they are closed. */
export class ModelsOnDemand {
  readonly #open: ModelsOnDemandParts['open'];
  readonly #kept: number;
  readonly #now: () => number;
  /** By fingerprint; the one that was used last comes last. */
  readonly #models = new Map<string, OpenModel>();
  readonly #closing = new Set<Promise<void>>();
  /** When the models that could not be prepared may be tried again, by fingerprint. */
  readonly #paused = new Map<string, number>();
  #closed = false;

  constructor({ open, kept = MODELS_KEPT, now = () => performance.now() }: ModelsOnDemandParts) {
    this.#open = open;
    this.#kept = kept;
    this.#now = now;
  }

  /** Those that are open. */
  get all(): readonly Embedder[] {
    return [...this.#models.values()].flatMap(({ embedder }) => (embedder === undefined ? [] : [embedder]));
  }

  /** The model stays open until `work` is done. @throws ClosedError, the errors of opening it; the next call tries again. */
  async use<T>(space: EmbeddingSpace, work: (embedder: Embedder) => Promise<T>): Promise<T> {
    const model = this.#taken(space);
    try {
      return await work(await model.opening);
    } finally {
      model.users -= 1;
      this.#closeUnused();
    }
  }

  /**
   * Opens a model that is soon asked for, where there is room for it. @throws the errors of opening it; then it is left
   * alone for a minute.
   */
  async prepare(space: EmbeddingSpace): Promise<void> {
    const { fingerprint } = space;
    if (!this.#models.has(fingerprint) && this.#models.size >= this.#kept) return;
    if (this.#now() < (this.#paused.get(fingerprint) ?? 0)) return;
    try {
      await this.use(space, async () => undefined);
    } catch (error) {
      this.#paused.set(fingerprint, this.#now() + PREPARE_PAUSE_MILLISECONDS);
      throw error;
    }
  }

  /** Calls under way are rejected with ClosedError. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const fingerprint of [...this.#models.keys()]) this.#drop(fingerprint);
    await Promise.all(this.#closing);
  }

  #taken(space: EmbeddingSpace): OpenModel {
    if (this.#closed) throw new ClosedError('the models of collections');
    const { fingerprint } = space;
    const model = this.#models.get(fingerprint) ?? this.#opened(space);
    model.users += 1;
    this.#models.delete(fingerprint);
    this.#models.set(fingerprint, model);
    return model;
  }

  #opened(space: EmbeddingSpace): OpenModel {
    const model: OpenModel = { opening: this.#open(space), embedder: undefined, users: 0 };
    model.opening.then(
      (embedder) => {
        model.embedder = embedder;
      },
      () => {
        if (this.#models.get(space.fingerprint) === model) this.#models.delete(space.fingerprint);
      },
    );
    return model;
  }

  #closeUnused(): void {
    for (const [fingerprint, { users }] of [...this.#models]) {
      if (this.#models.size <= this.#kept) return;
      if (users === 0) this.#drop(fingerprint);
    }
  }

  #drop(fingerprint: string): void {
    const closing = this.#models
      .get(fingerprint)
      ?.opening.then((embedder) => embedder.close())
      .catch(() => undefined);
    this.#models.delete(fingerprint);
    if (closing === undefined) return;
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }
}
