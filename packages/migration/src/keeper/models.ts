import type { EmbeddingSpace, TextEmbedder } from '@kimera/core';

export interface OpenedModel {
  readonly embedder: TextEmbedder;
  close(): Promise<void>;
}
/** @returns undefined where there is no model of that space. */
export type OpenModel = (space: EmbeddingSpace) => Promise<OpenedModel | undefined>;

/** A model that is not there, or does not open, is looked for again after this long: somebody may bring it. */
const AGAIN_MILLISECONDS = 30_000;

interface Held {
  readonly model: Promise<OpenedModel | undefined>;
  /** When it is looked for again; never where it is open. */
  again: number;
}

/** Models by space, opened when they are first needed and closed when no collection has vectors in their space. */
export class Models {
  readonly #held = new Map<string, Held>();

  /** @param onMissing called each time that a model is looked for in vain, with the error where there is one. */
  constructor(
    private readonly open: OpenModel,
    private readonly onMissing: (space: EmbeddingSpace, error: unknown) => void,
  ) {}

  /** Undefined where there is none, for now. */
  async of(space: EmbeddingSpace): Promise<TextEmbedder | undefined> {
    const known = this.#held.get(space.fingerprint);
    if (known !== undefined && performance.now() < known.again) return (await known.model)?.embedder;
    const held: Held = { again: Infinity, model: this.#open(space) };
    this.#held.set(space.fingerprint, held);
    const opened = await held.model;
    if (opened === undefined) held.again = performance.now() + AGAIN_MILLISECONDS;
    return opened?.embedder;
  }

  /** Closes what is not among these spaces. */
  async keepOnly(fingerprints: ReadonlySet<string>): Promise<void> {
    const unused = [...this.#held.keys()].filter((fingerprint) => !fingerprints.has(fingerprint));
    await Promise.all(unused.map((fingerprint) => this.#close(fingerprint)));
  }

  async close(): Promise<void> {
    await this.keepOnly(new Set());
  }

  async #open(space: EmbeddingSpace): Promise<OpenedModel | undefined> {
    try {
      const opened = await this.open(space);
      if (opened === undefined) this.onMissing(space, undefined);
      return opened;
    } catch (error) {
      this.onMissing(space, error);
      return undefined;
    }
  }

  async #close(fingerprint: string): Promise<void> {
    const held = this.#held.get(fingerprint);
    this.#held.delete(fingerprint);
    await (await held?.model)?.close();
  }
}
