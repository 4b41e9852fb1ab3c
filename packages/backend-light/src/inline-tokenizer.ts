import { tokenBatch, type BatchTokenizer, type Encoding, type Tokenizer } from '@kimera/core';
import { TimeSlice } from './time-slice.js';

/** A tokenizer as one of batches, on the caller's thread: other work gets its turn between the texts. */
export function inlineTokenizer(tokenizer: Tokenizer): BatchTokenizer {
  const slice = new TimeSlice();
  return {
    async encodeBatch(texts, options) {
      const encodings: Encoding[] = [];
      for (const text of texts) {
        encodings.push(tokenizer.encode(text, options));
        await slice.pause();
      }
      return {
        batch: tokenBatch(encodings.map(({ ids }) => ids)),
        totalTokens: Int32Array.from(encodings, ({ totalTokens }) => totalTokens),
        truncated: encodings.map(({ truncated }) => truncated),
      };
    },
    close: () => Promise.resolve(),
  };
}
