import {
  type Head,
  type HeadsOfText,
  headsOfText,
  type InferenceBackend,
  tokenBatch,
  UnsupportedHeadError,
} from '@kimera/core';
import type { FactTokenizers } from './fact-tokenizers.js';
import type { FactTokenizer } from './published-facts.js';

/** What the model gives for one text, alone in its batch and without a prompt. */
type TextOutput = Required<HeadsOfText>;

/** Outputs by text, all the heads that the model has, computed once each. */
export class TextOutputs {
  readonly #outputs = new Map<string, Promise<Partial<TextOutput>>>();

  constructor(
    private readonly backend: InferenceBackend,
    private readonly tokenizers: FactTokenizers,
  ) {}

  /** C. */
  get colbertDimension(): number {
    return this.backend.space.colbertDimension ?? this.backend.space.dimension;
  }

  /** @throws UnsupportedHeadError where the model lacks the head, and the backend's errors. */
  async get<H extends Head>(head: H, text: string, tokenizer: FactTokenizer = 'asFile'): Promise<TextOutput[H]> {
    const key = `${tokenizer}:${text}`;
    const output = this.#outputs.get(key) ?? this.#run(text, tokenizer);
    this.#outputs.set(key, output);
    const value = (await output)[head];
    if (value === undefined) throw new UnsupportedHeadError(head, this.backend.space.heads);
    return value;
  }

  async #run(text: string, tokenizer: FactTokenizer): Promise<Partial<TextOutput>> {
    const batch = tokenBatch([this.tokenizers.encode(text, tokenizer)]);
    return headsOfText(await this.backend.run(batch, { heads: this.backend.space.heads }), 0, 1);
  }
}
