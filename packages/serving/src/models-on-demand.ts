import { ClosedError, type EmbeddingSpace } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import { ModelMemoryError, ModelTooLargeError } from './errors.js';

export interface ModelsOnDemandParts {
  readonly open: (space: EmbeddingSpace) => Promise<Embedder>;
  /** Models that stay open while nobody uses them. Default 2: both models of a migration. */
  readonly kept?: number;
  /** What a model counts for. Default: nothing. */
  readonly bytesOf?: (space: EmbeddingSpace) => Promise<number>;
  /** Of all that are open, at most. Default: no limit. */
  readonly memoryBytes?: number | undefined;
  /** A model that nobody used for so long is closed by `closeIdle`. Default: never. */
  readonly idleMilliseconds?: number | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

const MODELS_KEPT = 2;
/** How long a model that could not be prepared is left alone: an operator needs longer to bring it. */
const PREPARE_PAUSE_MILLISECONDS = 60_000;

interface OpenModel {
  readonly space: EmbeddingSpace;
  readonly opening: Promise<Embedder>;
  embedder: Embedder | undefined;
  bytes: number;
  users: number;
  usedAt: number;
  /** Never closed for want of room or time. */
  isHeld: boolean;
}

/** Models that are opened when their space is first asked for, and closed for want of room, of memory, or of use. */
export class ModelsOnDemand {
  readonly #parts: ModelsOnDemandParts;
  readonly #kept: number;
  readonly #now: () => number;
  /** By fingerprint; the one that was used last comes last. */
  readonly #models = new Map<string, OpenModel>();
  readonly #closing = new Set<Promise<void>>();
  /** When the models that could not be prepared may be tried again, by fingerprint. */
  readonly #paused = new Map<string, number>();
  /** Room is made for one model after the other. */
  #room: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: ModelsOnDemandParts) {
    this.#parts = parts;
    this.#kept = parts.kept ?? MODELS_KEPT;
    this.#now = parts.now ?? (() => performance.now());
  }

  /** Those that are open. */
  get all(): readonly Embedder[] {
    return [...this.#models.values()].flatMap(({ embedder }) => (embedder === undefined ? [] : [embedder]));
  }

  /**
   * The model stays open until `work` is done.
   * @throws ClosedError, ModelMemoryError, ModelTooLargeError, the errors of opening it; the next call tries again.
   */
  async use<T>(space: EmbeddingSpace, work: (embedder: Embedder) => Promise<T>): Promise<T> {
    const model = this.#taken(space);
    try {
      return await work(await model.opening);
    } finally {
      model.users -= 1;
      model.usedAt = this.#now();
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

  /** Opens a model that stays open. @throws as `use`. */
  async hold(space: EmbeddingSpace): Promise<void> {
    const model = this.#taken(space);
    model.isHeld = true;
    try {
      await model.opening;
    } finally {
      model.users -= 1;
    }
  }

  /**
   * Puts another embedder in the place of the one that is open for the space; that one is closed when its users are done.
   * @returns false where none is open: then `embedder` is the caller's still.
   */
  replace(fingerprint: string, embedder: Embedder): boolean {
    const old = this.#models.get(fingerprint);
    if (this.#closed || old?.embedder === undefined) return false;
    this.#models.delete(fingerprint);
    this.#models.set(embedder.space.fingerprint, {
      ...old,
      space: embedder.space,
      opening: Promise.resolve(embedder),
      embedder,
      users: 0,
    });
    void this.#closeWhenDone(old);
    return true;
  }

  /** Closes what nobody used for `idleMilliseconds`. */
  closeIdle(): void {
    const { idleMilliseconds } = this.#parts;
    if (idleMilliseconds === undefined) return;
    for (const [fingerprint, { users, usedAt, isHeld }] of [...this.#models])
      if (users === 0 && !isHeld && this.#now() - usedAt >= idleMilliseconds) this.#drop(fingerprint);
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
    const opening =
      this.#parts.memoryBytes === undefined
        ? this.#parts.open(space)
        : this.#openWithin(space, this.#parts.memoryBytes);
    const model: OpenModel = {
      space,
      opening,
      embedder: undefined,
      bytes: 0,
      users: 0,
      usedAt: this.#now(),
      isHeld: false,
    };
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

  async #openWithin(space: EmbeddingSpace, limit: number): Promise<Embedder> {
    const bytes = (await this.#parts.bytesOf?.(space)) ?? 0;
    if (bytes > limit) throw new ModelTooLargeError(space.modelId, bytes, limit);
    const room = this.#room.then(() => this.#makeRoom(space, bytes, limit));
    this.#room = room.catch(() => undefined);
    await room;
    if (this.#closed) throw new ClosedError('the models of collections');
    return this.#parts.open(space);
  }

  /** Closes models until the new one fits, the one that was used longest ago first. @throws ModelMemoryError. */
  async #makeRoom({ fingerprint, modelId }: EmbeddingSpace, bytes: number, limit: number): Promise<void> {
    const others = (): readonly OpenModel[] =>
      [...this.#models].flatMap(([each, model]) => (each === fingerprint ? [] : [model]));
    const used = (): number => others().reduce((sum, model) => sum + model.bytes, 0);
    while (used() + bytes > limit) {
      const unused = others().find(({ users, isHeld, bytes: theirs }) => users === 0 && !isHeld && theirs > 0);
      if (unused === undefined)
        throw new ModelMemoryError(
          modelId,
          bytes,
          limit,
          others().map(({ space }) => space.modelId),
        );
      this.#drop(unused.space.fingerprint);
    }
    // Their memory is free once they are closed.
    await Promise.all(this.#closing);
    const model = this.#models.get(fingerprint);
    if (model !== undefined) model.bytes = bytes;
  }

  #closeUnused(): void {
    for (const [fingerprint, { users, isHeld }] of [...this.#models]) {
      if (this.#models.size <= this.#kept) return;
      if (users === 0 && !isHeld) this.#drop(fingerprint);
    }
  }

  async #closeWhenDone(model: OpenModel): Promise<void> {
    const closing = (async () => {
      while (model.users > 0 && !this.#closed) await new Promise((resolve) => setTimeout(resolve, 50).unref());
      await model.embedder?.close();
    })().catch(() => undefined);
    this.#closing.add(closing);
    await closing;
    this.#closing.delete(closing);
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
