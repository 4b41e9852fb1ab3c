import type { MappedText } from '../mapped-text.js';

/** Rewrites a piece of text; `offset` is where the piece starts in the original. */
export interface Normalizer {
  normalize(text: string, offset: number, out: MappedText): void;
}
