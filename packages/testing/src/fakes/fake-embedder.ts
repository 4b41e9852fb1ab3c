import {
  checkHeads,
  promptOf,
  type EmbeddingSpace,
  type Embedding,
  type EncodeTextOptions,
  type Lane,
  type PromptName,
  type TokenizingEmbedder,
  type VariantName,
  type Vector,
} from '@kimera/core';
import { fakeColbert, fakeDense, fakeSparse } from './fake-heads.js';
import { fakeSpace } from './fake-space.js';
import { FakeTokenizer } from './fake-tokenizer.js';

export interface FakeEmbedderCall {
  readonly texts: readonly string[];
  readonly role: PromptName | undefined;
  readonly lane: Lane;
}

export interface FakeEmbedderOptions {
  readonly space?: EmbeddingSpace;
  readonly variant?: VariantName;
  /** Default 1. */
  readonly tokenizerRevision?: number;
  /** Turns the vectors: embedders with another shift have other vectors of the same texts. Default 0. */
  readonly shift?: number;
  /** The error that a text fails its whole call with, undefined for a text that is well. */
  readonly poison?: (text: string) => Error | undefined;
  /**
   * Runs before each call is answered: wait here to hold it back, throw here to fail it, write to the store here to
   * race it.
   */
  readonly before?: (call: FakeEmbedderCall) => Promise<void>;
  /** Another rule for the dense vector, [D]; taken as it is. */
  readonly dense?: (text: string) => Vector;
}

/**
 * A text embedder whose vectors can be computed in the head: number k says how many of the text's tokens ({@link
 * FakeTokenizer}) have (id + shift) mod D = k, divided by the length where the space is normalised. So `''` is 1 at
 * `shift mod D` and 0 elsewhere. It logs its calls.
 */
export class FakeEmbedder implements TokenizingEmbedder {
  readonly space: EmbeddingSpace;
  readonly calls: FakeEmbedderCall[] = [];
  readonly #options: FakeEmbedderOptions;
  readonly #tokenizer = new FakeTokenizer();

  constructor(options: FakeEmbedderOptions = {}) {
    this.#options = options;
    this.space = options.space ?? fakeSpace('fake');
  }

  async encodeText(text: string, options: EncodeTextOptions = {}): Promise<Embedding> {
    const [embedding] = await this.encodeBatch([text], options);
    if (embedding === undefined) throw new Error('no embedding for one text');
    return embedding;
  }

  /** @throws UnknownRoleError, UnsupportedHeadError, the signal's reason, the poison of a text. */
  async encodeBatch(
    texts: readonly string[],
    { role, heads = ['dense'], lane = 'interactive', signal }: EncodeTextOptions = {},
  ): Promise<readonly Embedding[]> {
    const prompt = promptOf(this.space, role);
    checkHeads(heads, this.space);
    signal?.throwIfAborted();
    const call: FakeEmbedderCall = { texts: [...texts], role, lane };
    this.calls.push(call);
    await this.#options.before?.(call);
    signal?.throwIfAborted();
    for (const text of texts) {
      const failure = this.#options.poison?.(text);
      if (failure !== undefined) throw failure;
    }
    const { variant = 'fp32', tokenizerRevision = 1, shift = 0, dense } = this.#options;
    return texts.map((raw) => {
      const text = prompt + raw;
      const { ids, totalTokens, truncated } = this.#tokenizer.encode(text, { maxTokens: this.space.maxTokens });
      return {
        ...(heads.includes('dense') ? { dense: dense?.(text) ?? fakeDense(ids, this.space, shift) } : {}),
        ...(heads.includes('sparse') ? { sparse: fakeSparse(ids) } : {}),
        ...(heads.includes('colbert') ? { colbert: fakeColbert(ids, this.space, shift) } : {}),
        tokens: ids.length,
        totalTokens,
        truncated,
        space: this.space.fingerprint,
        variant,
        tokenizerRevision,
      };
    });
  }

  async tokenize(
    texts: readonly string[],
    role?: PromptName,
  ): Promise<{ readonly ids: readonly Int32Array[]; readonly totalTokens: Int32Array }> {
    const prompt = promptOf(this.space, role);
    const encodings = texts.map((text) => this.#tokenizer.encode(prompt + text, { maxTokens: this.space.maxTokens }));
    return {
      ids: encodings.map(({ ids }) => ids),
      totalTokens: Int32Array.from(encodings, (each) => each.totalTokens),
    };
  }
}
