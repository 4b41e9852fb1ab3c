import type { MappedText } from './mapped-text.js';

/** Receives ranges [from, to) of a text, none of which is empty. */
export type RangeSink = (from: number, to: number) => void;

/** Finds the delimiters of a text, in their order, without overlap. */
export type Delimiters = (text: string, sink: RangeSink) => void;

/** Rewrites a piece of text. */
export interface Normalizer {
  /** How many times as long a text may become at most. */
  readonly growth: number;
  /** Where it replaces a text, or (without `pattern`) the matches of a regular expression. */
  readonly replacement?: { readonly pattern: string | undefined; readonly content: string };
  normalize(source: MappedText): MappedText;
}

/**
 * Receives the words: ranges [from, to) of `text`, which may be another text than the one given (Metaspace adds
 * characters).
 */
export type WordSink = (text: MappedText, from: number, to: number) => void;

export interface PreTokenizer {
  /** It asks where in the original a text stands, so each text is to be tracked. */
  readonly needsOffsets?: boolean;
  split(text: MappedText, sink: WordSink): void;
}

/** Receives the tokens of a word: id and the range [from, to) of the normalised text. */
export type PieceSink = (id: number, from: number, to: number) => void;

/** Splits one word, the range [from, to) of `text`, into pieces: each but the first starts where the one before ends. */
export interface PieceModel {
  encodeWord(text: string, from: number, to: number, sink: PieceSink): void;
}
