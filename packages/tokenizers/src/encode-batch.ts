import {
  type BatchEncoding,
  type BatchTokenizer,
  type EncodeOptions,
  tokenBatch,
  tokenColumns,
  type Tokenizer,
} from '@kimera/core';

/** Tokenises B texts on the calling thread. */
export function encodeBatch(tokenizer: Tokenizer, texts: readonly string[], options: EncodeOptions): BatchEncoding {
  const encodings = texts.map((text) => tokenizer.encode(text, options));
  return {
    batch: tokenBatch(encodings.map(({ ids }) => ids)),
    totalTokens: Int32Array.from(encodings, ({ totalTokens }) => totalTokens),
    truncated: encodings.map(({ truncated }) => truncated),
  };
}

/** Tokenises batches on the caller's thread: where there are no worker threads, or nothing else to do on this one. */
export function inlineTokenizer(tokenizer: Tokenizer): BatchTokenizer {
  return {
    encodeBatch: async (texts, options) => encodeBatch(tokenizer, texts, options),
    tokenColumns: async (texts, options) => texts.map((text) => tokenColumns(tokenizer, text, options)),
    decodeBatch: async (lists, options) => lists.map((ids) => tokenizer.decode(ids, options)),
    close: () => Promise.resolve(),
  };
}

/** The encodings of consecutive slices of a batch as one. */
export function joinEncodings(parts: readonly BatchEncoding[]): BatchEncoding {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  const totalTokens = Int32Array.from(parts.flatMap((part) => [...part.totalTokens]));
  const ids = new Int32Array(parts.reduce((sum, { batch }) => sum + batch.ids.length, 0));
  const offsets = new Int32Array(totalTokens.length + 1);
  let text = 0;
  let at = 0;
  for (const { batch } of parts) {
    ids.set(batch.ids, at);
    for (const end of batch.offsets.subarray(1)) offsets[++text] = at + end;
    at += batch.ids.length;
  }
  return { batch: { ids, offsets }, totalTokens, truncated: parts.flatMap(({ truncated }) => truncated) };
}
