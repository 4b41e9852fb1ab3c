import type { TokenBatch } from './token-batch.js';

export interface EncodeOptions {
  /** Tokens kept, special tokens included. */
  readonly maxTokens: number;
  /**
   * The end of the text that loses its tokens: 'left' keeps the last ones. The special tokens always stay. Default
   * 'right'.
   */
  readonly truncationSide?: 'right' | 'left' | undefined;
  readonly addSpecialTokens?: boolean | undefined;
}

export interface Encoding {
  /** [T]. */
  readonly ids: Int32Array;
  /** T before truncation. */
  readonly totalTokens: number;
  readonly truncated: boolean;
}

/**
 * [T] half-open ranges [start, end) in UTF-16 code units of the original text; special tokens put around it have [0, 0).
 */
export interface EncodingWithOffsets extends Encoding {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** How many special tokens were put before the text. */
  readonly before: number;
  /** How many special tokens were put after it. */
  readonly after: number;
}

/** The T tokens of a text, uncut, in columns: a long text has millions, and they come from another thread. */
export interface TokenColumns {
  /** As it was tokenised: behind its prompt, lone surrogates as U+FFFD. */
  readonly text: string;
  /** [T]. */
  readonly ids: Int32Array;
  /** [T] ranges [start, stop) of the text in UTF-16 code units. Those of the tokens around it mean nothing. */
  readonly starts: Int32Array;
  readonly stops: Int32Array;
  /** Pieces of the special tokens that were put before the text, and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface DecodeOptions {
  /** Default true. */
  readonly skipSpecialTokens?: boolean | undefined;
}

/**
 * Text to token ids, exactly as the model's own tokenizer. Lone surrogates are read as U+FFFD. Pure and synchronous;
 * linear time.
 */
export interface Tokenizer {
  readonly vocabularySize: number;
  encode(text: string, options: EncodeOptions): Encoding;
  encodeWithOffsets(text: string, options: EncodeOptions): EncodingWithOffsets;
  /** The piece of an id, or undefined beyond the vocabulary. */
  token(id: number): string | undefined;
  /** True for ids such as [CLS] or <s>. */
  isSpecial(id: number): boolean;
  /** Ids beyond the vocabulary are left out. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
}

export interface BatchEncoding {
  readonly batch: TokenBatch;
  /** [B] T before truncation. */
  readonly totalTokens: Int32Array;
  /** [B]. */
  readonly truncated: readonly boolean[];
}

/** Tokenises batches without holding the caller's thread (a pool of workers, or inline for small batches). */
export interface BatchTokenizer {
  /** @param signal ends the work between two pieces of it. @throws the signal's reason. */
  encodeBatch(texts: readonly string[], options: EncodeOptions, signal?: AbortSignal): Promise<BatchEncoding>;
  /**
   * All tokens of each text with their places, uncut; with special tokens around it unless asked otherwise. @throws the
   * signal's reason.
   */
  tokenColumns(
    texts: readonly string[],
    options?: Pick<EncodeOptions, 'addSpecialTokens'>,
    signal?: AbortSignal,
  ): Promise<readonly TokenColumns[]>;
  /** The text of each list of ids; ids beyond the vocabulary are left out. @throws the signal's reason. */
  decodeBatch(lists: readonly Int32Array[], options?: DecodeOptions, signal?: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}
