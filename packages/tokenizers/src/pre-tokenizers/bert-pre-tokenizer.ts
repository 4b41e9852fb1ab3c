import type { MappedText } from '../mapped-text.js';
import type { PreTokenizer, WordSink } from './pre-tokenizer.js';

/**
 * A word: one punctuation character (Unicode P, or ASCII punctuation, which includes symbols such as $), or a run of
 * others between white space.
 */
const WORD = /[\p{P}!-/:-@[-`{-~]|[^\p{White_Space}\p{P}!-/:-@[-`{-~]+/gu;

export const bertPreTokenizer: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    for (const match of text.text.matchAll(WORD)) sink(text, match.index, match.index + match[0].length);
  },
};
