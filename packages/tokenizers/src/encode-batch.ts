import type { BatchEncoding, EncodeOptions, Tokenizer } from '@kimera/core';

/** Tokenises B texts on the calling thread. */
export function encodeBatch(tokenizer: Tokenizer, texts: readonly string[], options: EncodeOptions): BatchEncoding {
  const encodings = texts.map((text) => tokenizer.encode(text, options));
  const offsets = new Int32Array(texts.length + 1);
  encodings.forEach(({ ids }, i) => {
    offsets[i + 1] = (offsets[i] as number) + ids.length;
  });
  const ids = new Int32Array(offsets[texts.length] as number);
  encodings.forEach((encoding, i) => ids.set(encoding.ids, offsets[i]));
  return {
    batch: { ids, offsets },
    totalTokens: Int32Array.from(encodings, ({ totalTokens }) => totalTokens),
    truncated: encodings.map(({ truncated }) => truncated),
  };
}
