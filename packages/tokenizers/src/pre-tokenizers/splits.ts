import type { MappedText } from '../mapped-text.js';
import type { Delimiters, PreTokenizer, RangeSink, WordSink } from '../stages.js';
import { endOfRun, properties, PUNCTUATION, WHITE_SPACE, widthOf, WORD } from '../unicode/properties.js';

/** What becomes of a delimiter (tokenizers 0.22 tokenizer/normalizer.rs `SplitDelimiterBehavior`). */
export const BEHAVIORS = ['Removed', 'Isolated', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** The whole text is one word: a tokenizer.json without pre-tokenizer. */
export const whole: PreTokenizer = {
  split(text, sink) {
    if (text.text !== '') sink(text, 0, text.text.length);
  },
};

/** White space separates and is dropped; each punctuation character is a word of its own. */
export const bertPreTokenizer: PreTokenizer = {
  split(text: MappedText, sink: WordSink): void {
    const table = properties();
    const units = text.text;
    let word = 0;
    for (let i = 0; i < units.length;) {
      const codePoint = units.codePointAt(i) as number;
      const next = i + widthOf(codePoint);
      const bits = table[codePoint] as number;
      if ((bits & (WHITE_SPACE | PUNCTUATION)) !== 0) {
        if (i > word) sink(text, word, i);
        if ((bits & PUNCTUATION) !== 0) sink(text, i, next);
        word = next;
      }
      i = next;
    }
    if (units.length > word) sink(text, word, units.length);
  },
};

/** `\w+|[^\w\s]+`: runs of word characters, and runs of what is neither word nor white space. */
export const whitespace: PreTokenizer = {
  split(text, sink) {
    const { length } = text.text;
    for (let i = 0; i < length;) {
      const space = endOfRun(text.text, i, length, WHITE_SPACE, 'having');
      const word = endOfRun(text.text, space, length, WORD, 'having');
      const end = word > space ? word : endOfRun(text.text, space, length, WORD | WHITE_SPACE, 'lacking');
      if (end > space) sink(text, space, end);
      i = end;
    }
  },
};

/** Each code point that has one of the bits is a delimiter. */
export function having(bits: number): Delimiters {
  return (text, sink) => {
    const table = properties();
    for (let i = 0; i < text.length;) {
      const codePoint = text.codePointAt(i) as number;
      const next = i + widthOf(codePoint);
      if (((table[codePoint] as number) & bits) !== 0) sink(i, next);
      i = next;
    }
  };
}

/** Each run of code points that have one of the bits is a delimiter, from `least` of them on. */
export function runsOf(bits: number, least = 1): Delimiters {
  return (text, sink) => {
    for (let i = 0; i < text.length;) {
      const from = endOfRun(text, i, text.length, bits, 'lacking');
      const to = endOfRun(text, from, text.length, bits, 'having');
      if (to - from >= least) sink(from, to);
      i = to;
    }
  };
}

/** Each occurrence of a text, which is not empty. */
export function occurrences(pattern: string): Delimiters {
  return (text, sink) => {
    for (let i = text.indexOf(pattern); i >= 0; i = text.indexOf(pattern, i + pattern.length))
      sink(i, i + pattern.length);
  };
}

export interface SplitOptions {
  readonly delimiters: Delimiters;
  readonly behavior: Behavior;
  /** The words are what matches, and the delimiters what stands between. */
  readonly invert?: boolean;
}

export function splitAt({ delimiters, behavior, invert = false }: SplitOptions): PreTokenizer {
  return {
    split(text, sink) {
      const parts = joiner(behavior, (from, to) => sink(text, from, to));
      let from = 0;
      delimiters(text.text, (start, end) => {
        if (start > from) parts.add(from, start, invert);
        parts.add(start, end, !invert);
        from = end;
      });
      if (text.text.length > from) parts.add(from, text.text.length, invert);
      parts.end();
    },
  };
}

interface Joiner {
  readonly add: (from: number, to: number, delimiter: boolean) => void;
  readonly end: () => void;
}

/** Joins neighbours as the behaviour asks; holds at most one range back. */
function joiner(behavior: Behavior, sink: RangeSink): Joiner {
  /** The range held back, empty where none is. */
  let heldFrom = 0;
  let heldTo = 0;
  let previous = false;
  const end = (): void => {
    if (heldTo > heldFrom) sink(heldFrom, heldTo);
    heldTo = heldFrom;
  };
  return {
    add(from, to, delimiter) {
      if (behavior === 'Removed' && delimiter) return;
      const joins =
        heldTo > heldFrom &&
        ((behavior === 'Contiguous' && delimiter === previous) ||
          (behavior === 'MergedWithPrevious' && delimiter && !previous) ||
          (behavior === 'MergedWithNext' && !delimiter && previous));
      if (!joins) {
        end();
        heldFrom = from;
      }
      heldTo = to;
      previous = delimiter;
    },
    end,
  };
}

/** Each word of the first goes through the second, and so on. */
export function sequence(parts: readonly PreTokenizer[]): PreTokenizer {
  const [first, ...rest] = parts;
  if (first === undefined) return whole;
  if (rest.length === 0) return first;
  const second = sequence(rest);
  return {
    needsOffsets: parts.some(({ needsOffsets }) => needsOffsets),
    split: (text, sink) => first.split(text, (word, from, to) => second.split(word.slice(from, to), sink)),
  };
}
