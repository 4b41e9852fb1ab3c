import {
  type BatchEncoding,
  type BatchTokenizer,
  type ErrorTable,
  InvalidEncodeOptionsError,
  type TokenColumns,
  tokenColumns,
  type Tokenizer,
} from '@kimera/core';
import { WorkerPool } from '@kimera/worker-pool';
import { encodeBatch, joinEncodings } from '../encode-batch.js';
import type { TokenizerData, TokenizerRequest } from '../tokenizer-request.js';
import { TOKENIZER_WORKER } from '../workers.js';
import { type ReadTokenizer, readTokenizer } from './read-tokenizer.js';

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
  INVALID_ENCODE_OPTIONS: ({ fields }) =>
    new InvalidEncodeOptionsError(Number(fields['maxTokens']), Number(fields['specialTokens'])),
};

export interface TokenizerPool extends BatchTokenizer {
  /** The same tokenizer on the caller's thread. */
  readonly tokenizer: Tokenizer;
}

export interface TokenizerThreads {
  /** Threads; default 1. */
  readonly size?: number;
  /**
   * Module of the worker threads; default: this package's own. What stands in for it answers as it does: a test gives
   * one that dies.
   */
  readonly worker?: URL;
}

export interface TokenizerPoolOptions extends TokenizerThreads {
  readonly tokenizerPath: string;
  /** What the file must be; default: whatever it is now. */
  readonly sha256?: string | undefined;
}

/** As `tokenizerPool`, of a file. @throws TokenizerChangedError, and as parseTokenizer. */
export async function createTokenizerPool({
  tokenizerPath,
  sha256,
  ...threads
}: TokenizerPoolOptions): Promise<TokenizerPool> {
  return tokenizerPool(await readTokenizer(tokenizerPath, sha256), threads);
}

/**
 * Tokenises in worker threads, so that long batches leave the caller's thread free; small ones are done at once. The
 * threads start with the first long batch: most programs have none, and a large vocabulary takes half a second and a
 * hundred megabytes. Every thread, also one that takes the place of another, has what was read at first, whatever the
 * file is by then.
 */
export async function tokenizerPool(
  { tokenizer, path, bytes }: ReadTokenizer,
  { size = 1, worker = TOKENIZER_WORKER }: TokenizerThreads = {},
): Promise<TokenizerPool> {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const pool = await WorkerPool.open({
    name: 'tokenizer',
    module: worker,
    data: { path, bytes: shared } satisfies TokenizerData,
    size,
    start: 'when needed',
    errors,
  });
  /** One response a slice. A long batch lets short ones go first. */
  const inSlices = async <Item extends { readonly length: number }>(
    items: readonly Item[],
    requestOf: (slice: readonly Item[]) => TokenizerRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> => {
    const turn = lengthOf(items) <= SLICE_UNITS ? 'first' : 'last';
    const responses: unknown[] = [];
    for (const slice of slices(items, SLICE_UNITS)) {
      responses.push(await pool.call(requestOf(slice), turn));
      signal?.throwIfAborted();
    }
    return responses;
  };
  return {
    tokenizer,
    async encodeBatch(texts, options, signal) {
      signal?.throwIfAborted();
      if (lengthOf(texts) <= INLINE_UNITS) return encodeBatch(tokenizer, texts, options);
      const ask = (slice: readonly string[]): TokenizerRequest => ({ kind: 'encode', texts: slice, options });
      return joinEncodings((await inSlices(texts, ask, signal)) as readonly BatchEncoding[]);
    },
    async tokenColumns(texts, options, signal) {
      signal?.throwIfAborted();
      if (lengthOf(texts) <= INLINE_UNITS) return texts.map((text) => tokenColumns(tokenizer, text, options));
      const ask = (slice: readonly string[]): TokenizerRequest => ({ kind: 'columns', texts: slice, options });
      return ((await inSlices(texts, ask, signal)) as readonly (readonly TokenColumns[])[]).flat();
    },
    async decodeBatch(lists, options, signal) {
      signal?.throwIfAborted();
      if (lengthOf(lists) <= INLINE_UNITS) return lists.map((ids) => tokenizer.decode(ids, options));
      const ask = (slice: readonly Int32Array[]): TokenizerRequest => ({ kind: 'decode', lists: slice, options });
      return ((await inSlices(lists, ask, signal)) as readonly (readonly string[])[]).flat();
    },
    close: () => pool.close(),
  };
}

/** UTF-16 units of texts, or ids of lists. */
function lengthOf(items: readonly { readonly length: number }[]): number {
  return items.reduce((sum, { length }) => sum + length, 0);
}

/** Slices of at most `most` units together, or of one longer item. */
function* slices<Item extends { readonly length: number }>(
  items: readonly Item[],
  most: number,
): Generator<readonly Item[]> {
  let from = 0;
  let units = 0;
  for (const [i, { length }] of items.entries()) {
    if (i > from && units + length > most) {
      yield items.slice(from, i);
      from = i;
      units = 0;
    }
    units += length;
  }
  yield items.slice(from);
}
