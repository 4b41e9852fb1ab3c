import {
  type BatchEncoding,
  type BatchTokenizer,
  type EncodeOptions,
  type ErrorTable,
  InvalidEncodeOptionsError,
  type Tokenizer,
} from '@kimera/core';
import { WorkerPool } from '@kimera/worker-pool';
import { encodeBatch, joinEncodings } from '../encode-batch.js';
import { TokenizerChangedError } from '../errors.js';
import { TOKENIZER_WORKER } from '../workers.js';
import { readTokenizer } from './read-tokenizer.js';

/**
 * UTF-16 units up to which a batch is tokenised on the caller's thread: about a millisecond, less than a message to a
 * worker under load.
 */
const INLINE_UNITS = 2_000;
/**
 * UTF-16 units of one request to a worker, about 12 ms: a long batch goes slice by slice, so that other calls get their
 * turn in between; one that is a slice alone goes before the slices of long ones.
 */
const SLICE_UNITS = 50_000;

const errors: ErrorTable = {
  TOKENIZER_CHANGED: ({ fields: { path, expected, actual } }) =>
    new TokenizerChangedError(String(path), String(expected), String(actual)),
  INVALID_ENCODE_OPTIONS: ({ fields }) =>
    new InvalidEncodeOptionsError(Number(fields['maxTokens']), Number(fields['specialTokens'])),
};

export interface TokenizerPool extends BatchTokenizer {
  /** The same tokenizer on the caller's thread. */
  readonly tokenizer: Tokenizer;
}

export interface TokenizerPoolOptions {
  readonly tokenizerPath: string;
  /**
   * What the file must be; default: whatever it is now. Every thread reads the same, those that take the place of dead
   * ones too.
   */
  readonly sha256?: string | undefined;
  /** Threads; default 1. */
  readonly size?: number;
  /**
   * Module of the worker threads; default: this package's own. What stands in for it answers as it does: a test gives
   * one that dies.
   */
  readonly worker?: URL;
}

/**
 * Tokenises in worker threads, so that long batches leave the caller's thread free; small ones are done at once.
 * @throws TokenizerChangedError, and as parseTokenizer.
 */
export async function createTokenizerPool({
  tokenizerPath,
  sha256: recorded,
  size = 1,
  worker = TOKENIZER_WORKER,
}: TokenizerPoolOptions): Promise<TokenizerPool> {
  const { tokenizer, sha256 } = await readTokenizer(tokenizerPath, recorded);
  const pool = await WorkerPool.open({
    name: 'tokenizer',
    module: worker,
    data: { tokenizerPath, sha256 },
    size,
    errors,
  });
  return {
    tokenizer,
    async encodeBatch(texts: readonly string[], options: EncodeOptions, signal?: AbortSignal): Promise<BatchEncoding> {
      signal?.throwIfAborted();
      let units = 0;
      for (const text of texts) units += text.length;
      if (units <= INLINE_UNITS) return encodeBatch(tokenizer, texts, options);
      const parts: BatchEncoding[] = [];
      for (const slice of slices(texts)) {
        parts.push(
          (await pool.call({ texts: slice, options }, units <= SLICE_UNITS ? 'first' : 'last')) as BatchEncoding,
        );
        signal?.throwIfAborted();
      }
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
