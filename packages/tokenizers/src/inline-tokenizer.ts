import type { BatchTokenizer, Tokenizer } from '@kimera/core';
import { encodeBatch } from './encode-batch.js';

/** Tokenises batches on the caller's thread: where there are no worker threads, or nothing else to do on this one. */
export function inlineTokenizer(tokenizer: Tokenizer): BatchTokenizer {
  return {
    encodeBatch: async (texts, options) => encodeBatch(tokenizer, texts, options),
    close: () => Promise.resolve(),
  };
}
