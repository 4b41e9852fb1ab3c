const SEGMENTER = new Intl.Segmenter('und', { granularity: 'grapheme' });
/**
 * UTF-16 units that are segmented at once: V8's segmenter takes time quadratic in its text, half a second for 64,000
 * units.
 */
const WINDOW = 128;

/**
 * Letters and signs of Latin, Greek and Cyrillic, accents of U+0300 and on, line ends: their clusters need no
 * segmenter, which is ten times slower.
 */
const BASE = '\\u0020-\\u007e\\u00c0-\\u024f\\u0370-\\u0482\\u048a-\\u052f';
const ACCENTS = '\\u0300-\\u036f';
const SIMPLE_TEXT = new RegExp(`^[${BASE}${ACCENTS}\\r\\n]*$`);
const SIMPLE_CLUSTER = new RegExp(`\\r\\n|[\\r\\n]|[${BASE}][${ACCENTS}]*|[${ACCENTS}]+`, 'g');

/** The grapheme clusters (UAX 29, extended) of a text as ranges [from, to), in linear time. */
export function* graphemes(text: string): Generator<readonly [from: number, to: number]> {
  if (SIMPLE_TEXT.test(text))
    for (const { index, 0: cluster } of text.matchAll(SIMPLE_CLUSTER)) yield [index, index + cluster.length];
  else yield* segmented(text);
}

/**
 * `end`, or the unit before it where that would cut a surrogate pair: half of a character that extends a cluster does
 * not extend it.
 */
function wholeCharacters(text: string, end: number): number {
  return end < text.length && (text.codePointAt(end - 1) as number) > 0xffff ? end - 1 : end;
}

/**
 * A boundary never depends on what stands before the previous boundary, so each window starts at one, and only its last
 * cluster, which the text behind it may extend, is left to the next window.
 */
function* segmented(text: string): Generator<readonly [from: number, to: number]> {
  let window = WINDOW;
  for (let from = 0; from < text.length;) {
    const piece = text.slice(from, wholeCharacters(text, from + window));
    const start = from;
    const ends = Array.from(SEGMENTER.segment(piece), ({ index, segment }) => start + index + segment.length);
    if (start + piece.length < text.length) ends.pop();
    // One cluster fills the window: a larger one.
    window = ends.length === 0 ? window * 2 : WINDOW;
    for (const end of ends) {
      yield [from, end];
      from = end;
    }
  }
}
