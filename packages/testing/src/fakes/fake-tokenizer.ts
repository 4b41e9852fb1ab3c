import {
  InvalidEncodeOptionsError,
  tokenBatch,
  tokenColumns,
  toWellFormed,
  type BatchTokenizer,
  type DecodeOptions,
  type EncodeOptions,
  type Encoding,
  type EncodingWithOffsets,
  type Tokenizer,
} from '@kimera/core';

/** The id of the one special token, which stands before every text. */
export const FAKE_START = 0;

/** [START, unit + 1, …]: one token a UTF-16 unit. `ab` is [0, 98, 99]. */
export class FakeTokenizer implements Tokenizer {
  readonly vocabularySize = 0x10001;

  encode(text: string, options: EncodeOptions): Encoding {
    const { ids, totalTokens, truncated } = this.encodeWithOffsets(text, options);
    return { ids, totalTokens, truncated };
  }
  encodeWithOffsets(
    text: string,
    { maxTokens, truncationSide = 'right', addSpecialTokens = true }: EncodeOptions,
  ): EncodingWithOffsets {
    const specials = addSpecialTokens ? 1 : 0;
    if (maxTokens < specials) throw new InvalidEncodeOptionsError(maxTokens, specials);
    const read = toWellFormed(text);
    const units = Array.from({ length: read.length }, (_, at) => ({ id: read.charCodeAt(at) + 1, at }));
    const kept = Math.min(units.length, maxTokens - specials);
    const cut = truncationSide === 'right' ? units.slice(0, kept) : units.slice(units.length - kept);
    const start = addSpecialTokens ? [0] : [];
    return {
      ids: Int32Array.from([...start.map(() => FAKE_START), ...cut.map(({ id }) => id)]),
      starts: Int32Array.from([...start, ...cut.map(({ at }) => at)]),
      ends: Int32Array.from([...start, ...cut.map(({ at }) => at + 1)]),
      before: specials,
      after: 0,
      totalTokens: units.length + specials,
      truncated: kept < units.length,
    };
  }
  token(id: number): string | undefined {
    if (id === FAKE_START) return '<s>';
    return Number.isInteger(id) && id > 0 && id < this.vocabularySize ? String.fromCharCode(id - 1) : undefined;
  }
  isSpecial(id: number): boolean {
    return id === FAKE_START;
  }
  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    return Array.from(ids, (id) => (skipSpecialTokens && this.isSpecial(id) ? '' : (this.token(id) ?? ''))).join('');
  }
}

/** Any tokenizer as one of batches, on the caller's thread. */
export function inlineBatchTokenizer(tokenizer: Tokenizer = new FakeTokenizer()): BatchTokenizer {
  return {
    encodeBatch: async (texts, options) => {
      const encodings = texts.map((text) => tokenizer.encode(text, options));
      return {
        batch: tokenBatch(encodings.map(({ ids }) => ids)),
        totalTokens: Int32Array.from(encodings, ({ totalTokens }) => totalTokens),
        truncated: encodings.map(({ truncated }) => truncated),
      };
    },
    tokenColumns: async (texts, options) => texts.map((text) => tokenColumns(tokenizer, text, options)),
    decodeBatch: async (lists, options) => lists.map((ids) => tokenizer.decode(ids, options)),
    close: () => Promise.resolve(),
  };
}
