import type { TokenBatch } from './token-batch.js';

export interface EncodeOptions {
  /** Tokens kept, special tokens included. */
  readonly maxTokens: number;
  /**
   * The end of the text that loses its tokens: 'left' keeps the last ones. The special tokens always stay. Default
   * 'right'.
   */
  readonly truncationSide?: 'right' | 'left';
  readonly addSpecialTokens?: boolean;
}

export interface Encoding {
  /** [T]. */
  readonly ids: Int32Array;
  /** T before truncation. */
  readonly totalTokens: number;
  readonly truncated: boolean;
}

/** [T] half-open ranges [start, end) in UTF-16 code units of the original text; special tokens have [0, 0). */
export interface EncodingWithOffsets extends Encoding {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
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
  decode(ids: ArrayLike<number>, options?: { readonly skipSpecialTokens?: boolean }): string;
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
  close(): Promise<void>;
}
