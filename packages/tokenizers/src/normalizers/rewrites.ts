import { MappedText } from '../mapped-text.js';
import type { Delimiters, Normalizer } from '../stages.js';
import { growthOf } from './growth.js';
import { type NormalForm, normalForm } from '../unicode/normal-form.js';
import { endOfRun, properties, WHITE_SPACE, widthOf } from '../unicode/properties.js';

/** The text as it is: a tokenizer.json without normaliser. */
export const unchanged: Normalizer = { growth: 1, normalize: (source) => source };

/** NFKD of U+FDFA has 18 characters, NFD of U+1F82 four. */
const GROWTH: Readonly<Record<NormalForm, number>> = { NFC: 3, NFD: 4, NFKC: 18, NFKD: 18 };

/** One normaliser after the other. */
export function sequence(normalizers: readonly Normalizer[]): Normalizer {
  return {
    growth: growthOf(normalizers),
    normalize: (source) => normalizers.reduce((text, normalizer) => normalizer.normalize(text), source),
  };
}

export function unicodeForm(form: NormalForm): Normalizer {
  return {
    growth: GROWTH[form],
    normalize(source) {
      const out = new MappedText(source.tracking);
      const pieces = source.tracking === 'none' ? 'runs' : 'clusters';
      normalForm(source.text, form, pieces, (piece, from, to) => out.pushFrom(piece, source, from, to));
      return out;
    },
  };
}

/** Puts a text in front, unless there is nothing to put it before. It stands where the first character stands. */
export function prepend(text: string): Normalizer {
  return {
    growth: 1 + text.length,
    normalize(source) {
      if (source.text === '') return source;
      const out = new MappedText(source.tracking);
      out.pushFrom(text, source, 0, widthOf(source.text.codePointAt(0) as number));
      out.copy(source, 0, source.text.length);
      return out;
    },
  };
}

/** Drops white space at the ends. */
export function strip(left: boolean, right: boolean): Normalizer {
  return {
    growth: 1,
    normalize(source) {
      const { text } = source;
      const from = left ? endOfRun(text, 0, text.length, WHITE_SPACE, 'having') : 0;
      let to = text.length;
      // White space is one unit each.
      while (right && to > from && ((properties()[text.charCodeAt(to - 1)] as number) & WHITE_SPACE) !== 0) to -= 1;
      return source.slice(from, to);
    },
  };
}

/**
 * Every match becomes `content`, which stands where the last character of the match stands. @param pattern where it is a
 * text.
 */
export function replace(matches: Delimiters, content: string, pattern?: string): Normalizer {
  return {
    growth: Math.max(1, content.length),
    replacement: { pattern, content },
    normalize(source) {
      const out = new MappedText(source.tracking);
      let copied = 0;
      matches(source.text, (from, to) => {
        out.copy(source, copied, from);
        out.pushFrom(content, source, lastCharacter(source.text, to), to);
        copied = to;
      });
      // No match is empty: here none was found.
      if (copied === 0) return source;
      out.copy(source, copied, source.text.length);
      return out;
    },
  };
}

function lastCharacter(text: string, end: number): number {
  return end >= 2 && (text.codePointAt(end - 2) as number) > 0xffff ? end - 2 : end - 1;
}
