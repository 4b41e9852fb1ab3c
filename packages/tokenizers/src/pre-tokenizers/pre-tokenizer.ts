import type { MappedText } from '../mapped-text.js';

/**
 * Receives the words: ranges [from, to) of `text`, which may be another text than the one given (Metaspace adds
 * characters).
 */
export type WordSink = (text: MappedText, from: number, to: number) => void;

export interface PreTokenizer {
  split(text: MappedText, sink: WordSink): void;
}
