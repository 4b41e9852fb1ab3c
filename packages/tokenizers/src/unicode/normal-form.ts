import { COMBINING, endOfRun, hasProperty, NORMALIZING, widthOf } from './properties.js';

export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * The normal form of a text in the Unicode version of the tokenizers library (9). What that version does not know stays
 * as it is; for all else the engine's own normalisation is the same, since Unicode never changes that of an assigned
 * character (its stability policy, from version 4.1 on).
 * @param sink receives the form of [from, to) of the text.
 */
export function normalForm(
  text: string,
  form: NormalForm,
  pieces: 'runs' | 'clusters',
  sink: (piece: string, from: number, to: number) => void,
): void {
  for (let i = 0; i < text.length;) {
    const other = endOfRun(text, i, text.length, NORMALIZING, 'lacking');
    const end = endOfRun(text, other, text.length, NORMALIZING, 'having');
    if (pieces === 'runs') {
      if (other > i) sink(text.slice(i, other), i, other);
      if (end > other) sink(text.slice(other, end).normalize(form), other, end);
    } else {
      characters(text, i, other, sink);
      for (let j = other; j < end;) {
        let next = j + widthAt(text, j);
        while (next < end && joinsPrevious(text.codePointAt(next) as number)) next += widthAt(text, next);
        const cluster = text.slice(j, next);
        const normal = cluster.normalize(form);
        if (normal === cluster) characters(text, j, next, sink);
        else sink(normal, j, next);
        j = next;
      }
    }
    i = end;
  }
}

/** Each code point of [from, to) as it is. */
function characters(
  text: string,
  from: number,
  to: number,
  sink: (piece: string, from: number, to: number) => void,
): void {
  for (let i = from; i < to;) {
    const next = i + widthAt(text, i);
    sink(text.slice(i, next), i, next);
    i = next;
  }
}

function widthAt(text: string, at: number): 1 | 2 {
  return widthOf(text.codePointAt(at) as number);
}

/** Whether normalisation may move the code point, or join it to the one before: marks, Hangul vowels and final consonants. */
function joinsPrevious(codePoint: number): boolean {
  const first = String.fromCodePoint(codePoint).normalize('NFKD').codePointAt(0) as number;
  return hasProperty(first, COMBINING) || (first >= 0x1161 && first <= 0x1175) || (first >= 0x11a8 && first <= 0x11c2);
}
