import { readFile } from 'node:fs/promises';
import type { BatchEncoding, BatchTokenizer, EncodeOptions, ErrorTable, Tokenizer } from '@kimera/core';
import { WorkerPool } from '@kimera/worker-pool';
import { encodeBatch } from './encode-batch.js';
import { InvalidEncodeOptionsError } from './errors/invalid-encode-options-error.js';
import { joinEncodings } from './join-encodings.js';
import { parseTokenizer } from './parse-tokenizer.js';

/** UTF-16 units up to which a batch is tokenised on the caller's thread: about a millisecond, less than a message to a worker under load. */
const INLINE_UNITS = 2_000;
/** UTF-16 units of one request to a worker, about 50 ms: a long batch goes slice by slice, so that other calls get their turn in between. */
const SLICE_UNITS = 200_000;

const errors: ErrorTable = {
  INVALID_ENCODE_OPTIONS: ({ fields }) => new InvalidEncodeOptionsError(Number(fields['maxTokens']), Number(fields['specialTokens'])),
};

export interface TokenizerPool extends BatchTokenizer {
  /** The same tokenizer on the caller's thread. */
  readonly tokenizer: Tokenizer;
}

/** Tokenises in worker threads, so that long batches leave the caller's thread free; small ones are done at once. */
export async function createTokenizerPool({ tokenizerPath, size = 1 }: { readonly tokenizerPath: string; readonly size?: number }): Promise<TokenizerPool> {
  const tokenizer = parseTokenizer(await readFile(tokenizerPath, 'utf8'), tokenizerPath);
  const pool = await WorkerPool.open({ name: 'tokenizer', module: new URL('./tokenizer-worker.ts', import.meta.url), data: { tokenizerPath }, size, errors });
  return {
    tokenizer,
    async encodeBatch(texts: readonly string[], options: EncodeOptions): Promise<BatchEncoding> {
      let units = 0;
      for (const text of texts) units += text.length;
      if (units <= INLINE_UNITS) return encodeBatch(tokenizer, texts, options);
      const parts: BatchEncoding[] = [];
      for (const slice of slices(texts)) parts.push((await pool.call({ texts: slice, options })) as BatchEncoding);
      return joinEncodings(parts);
    },
    close: () => pool.close(),
  };
}

function* slices(texts: readonly string[]): Generator<readonly string[]> {
  let from = 0;
  let units = 0;
  for (const [i, text] of texts.entries()) {
    if (i > from && units + text.length > SLICE_UNITS) {
      yield texts.slice(from, i);
      from = i;
      units = 0;
    }
    units += text.length;
  }
  yield texts.slice(from);
}
