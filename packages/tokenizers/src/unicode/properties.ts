import { SETS } from './tables.js';

/** One bit a property; each is as the tokenizers library has it, from one of its own Unicode versions. */
export const WHITE_SPACE = 1 << 0;
/** What BertNormalizer's `clean_text` drops: control and private characters of an old Unicode version, and U+FFFD. */
export const REMOVED = 1 << 1;
export const PUNCTUATION = 1 << 2;
/** `\w` of Rust's regular expressions. */
export const WORD = 1 << 3;
export const NUMERIC = 1 << 4;
/** `\p{L}`, `\p{N}` and `\s` of Oniguruma, which runs the pattern of GPT-2. */
export const LETTER = 1 << 5;
export const NUMBER = 1 << 6;
export const SPACE = 1 << 7;
/** What StripAccents drops. */
export const COMBINING = 1 << 8;
/** The marks that BertNormalizer drops after NFD. */
export const NONSPACING = 1 << 9;
/** What takes part in normalisation: all else stands as it is, and nothing moves across it. */
export const NORMALIZING = 1 << 10;
/** Marks that NFD may reorder and BertNormalizer keeps, and what decomposes to such. */
export const KEPT_MARK = 1 << 11;

const NAMES = [
  ['WHITE_SPACE', WHITE_SPACE],
  ['REMOVED', REMOVED],
  ['PUNCTUATION', PUNCTUATION],
  ['WORD', WORD],
  ['NUMERIC', NUMERIC],
  ['LETTER', LETTER],
  ['NUMBER', NUMBER],
  ['SPACE', SPACE],
  ['COMBINING', COMBINING],
  ['NONSPACING', NONSPACING],
  ['NORMALIZING', NORMALIZING],
  ['KEPT_MARK', KEPT_MARK],
] as const;

/** [0x110000] the bits of each code point. Made at the first use: 2.2 MB, some milliseconds. */
let table: Uint16Array | undefined;

export function properties(): Uint16Array {
  if (table !== undefined) return table;
  table = new Uint16Array(0x110000);
  for (const [name, bit] of NAMES) {
    for (const [from, to] of ranges(SETS[name])) for (let c = from; c < to; c++) table[c] = (table[c] as number) | bit;
  }
  return table;
}

export function hasProperty(codePoint: number, bits: number): boolean {
  return ((properties()[codePoint] as number) & bits) !== 0;
}

/** The ranges [from, to) of a set of tables.ts. */
export function* ranges(set: string): Generator<readonly [from: number, to: number]> {
  const numbers = set === '' ? [] : set.split(' ').map((text) => Number.parseInt(text, 36));
  let at = 0;
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const from = at + (numbers[i] as number);
    at = from + (numbers[i + 1] as number);
    yield [from, at];
  }
}

/** UTF-16 units of a code point. */
export function widthOf(codePoint: number): 1 | 2 {
  return codePoint > 0xffff ? 2 : 1;
}

/** The end of the run, from `at` on, of code points that have (or, inverted, lack) one of the bits. */
export function endOfRun(text: string, at: number, to: number, bits: number, having: 'having' | 'lacking'): number {
  const table = properties();
  const wanted = having === 'having';
  let i = at;
  while (i < to) {
    const codePoint = text.codePointAt(i) as number;
    if ((((table[codePoint] as number) & bits) !== 0) !== wanted) break;
    i += widthOf(codePoint);
  }
  return i;
}
