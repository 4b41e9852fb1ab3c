import {
  type BatchEncoding,
  type BatchTokenizer,
  type EncodeOptions,
  tokenBatch,
  type TokenColumns,
} from '@kimera/core';
import { TextWithoutDirectionError } from './errors.js';

export interface Model2vecTokenizerParts {
  readonly tokenizer: BatchTokenizer;
  /** Left out of every text; undefined where the tokenizer has none. */
  readonly unknownId: number | undefined;
  /** Characters of a token, the median over the vocabulary. */
  readonly medianTokenLength: number;
  /** For messages. */
  readonly modelId: string;
}

const WHOLE: EncodeOptions = { maxTokens: Number.MAX_SAFE_INTEGER, addSpecialTokens: false };

/**
 * Texts as model2vec 0.9 reads them (model.py, `tokenize`): cut at `maxTokens` times the median length of a token in
 * characters, no special tokens, unknown tokens left out, then the first `maxTokens`.
 */
export class Model2vecTokenizer implements BatchTokenizer {
  readonly #parts: Model2vecTokenizerParts;

  constructor(parts: Model2vecTokenizerParts) {
    this.#parts = parts;
  }

  /** @throws TextWithoutDirectionError where no token of a text is known. */
  async encodeBatch(texts: readonly string[], { maxTokens }: EncodeOptions): Promise<BatchEncoding> {
    const { medianTokenLength, modelId } = this.#parts;
    const cut = texts.map((text) => firstCharacters(text, maxTokens * medianTokenLength));
    const known = await this.#knownIds(cut);
    const shortened = texts.flatMap((text, i) => (text === cut[i] ? [] : [i]));
    const whole = await this.#knownIds(shortened.map((i) => texts[i] ?? ''));
    const totalTokens = Int32Array.from(known, ({ length }) => length);
    shortened.forEach((text, i) => (totalTokens[text] = whole[i]?.length ?? 0));
    const ids = known.map((one) => one.subarray(0, maxTokens));
    const empty = ids.findIndex(({ length }) => length === 0);
    if (empty >= 0) throw new TextWithoutDirectionError(empty, modelId);
    return {
      batch: tokenBatch(ids),
      totalTokens,
      truncated: ids.map(({ length }, i) => length < (totalTokens[i] ?? 0)),
    };
  }

  /** Without special tokens, which this convention puts around no text; unknown tokens are shown. */
  tokenColumns(texts: readonly string[]): Promise<readonly TokenColumns[]> {
    return this.#parts.tokenizer.tokenColumns(texts, { addSpecialTokens: false });
  }

  decodeBatch(...[lists, options]: Parameters<BatchTokenizer['decodeBatch']>): Promise<readonly string[]> {
    return this.#parts.tokenizer.decodeBatch(lists, options);
  }

  close(): Promise<void> {
    return this.#parts.tokenizer.close();
  }

  async #knownIds(texts: readonly string[]): Promise<readonly Int32Array[]> {
    const { tokenizer, unknownId } = this.#parts;
    const {
      batch: { ids, offsets },
    } = await tokenizer.encodeBatch(texts, WHOLE);
    return texts.map((_, i) => ids.subarray(offsets[i], offsets[i + 1]).filter((id) => id !== unknownId));
  }
}

/** As Python counts characters: code points. */
function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let i = 0; i < count && end < text.length; i++) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
