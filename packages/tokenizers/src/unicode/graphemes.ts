import { ranges, widthOf } from './properties.js';
import { SETS } from './tables.js';

// Grapheme_Cluster_Break of UAX 29, one of them a code point.
const CR = 1;
const LF = 2;
const CONTROL = 3;
const EXTEND = 4;
const ZWJ = 5;
const SPACING = 6;
const PREPEND = 7;
const REGIONAL = 8;
const L = 9;
const V = 10;
const T = 11;
const LV = 12;
const LVT = 13;
const PICTOGRAPH = 14;
const BREAK = 0x0f;
// Indic_Conjunct_Break, beside it.
const CONSONANT = 0x10;
const LINKER = 0x20;
const CONJUNCT_EXTEND = 0x40;

const CLASSES = [
  ['CONTROL', CONTROL],
  ['EXTEND', EXTEND],
  ['SPACING', SPACING],
  ['PREPEND', PREPEND],
  ['REGIONAL', REGIONAL],
  ['HANGUL_L', L],
  ['HANGUL_V', V],
  ['HANGUL_T', T],
  ['HANGUL_LV', LV],
  ['HANGUL_LVT', LVT],
  ['PICTOGRAPH', PICTOGRAPH],
  ['CONSONANT', CONSONANT],
  ['LINKER', LINKER],
  ['CONJUNCT_EXTEND', CONJUNCT_EXTEND],
] as const;

let table: Uint8Array | undefined;

function classes(): Uint8Array {
  if (table !== undefined) return table;
  table = new Uint8Array(0x110000);
  for (const [name, value] of CLASSES)
    for (const [from, to] of ranges(SETS[name]))
      for (let c = from; c < to; c++) table[c] = (table[c] as number) | value;
  table[0x0d] = CR;
  table[0x0a] = LF;
  table[0x200d] = ((table[0x200d] as number) & ~BREAK) | ZWJ;
  return table;
}

/**
 * The end of the extended grapheme cluster (UAX 29, in the library's Unicode version) that starts at `from`. No rule
 * looks back beyond the start of a cluster.
 */
export function graphemeEnd(text: string, from: number): number {
  const byCodePoint = classes();
  let codePoint = text.codePointAt(from) as number;
  let i = from + widthOf(codePoint);
  let last = byCodePoint[codePoint] as number;
  let regionals = (last & BREAK) === REGIONAL ? 1 : 0;
  // 1: a pictograph and what extends it; 2: and then a joiner.
  let pictograph = (last & BREAK) === PICTOGRAPH ? 1 : 0;
  // 1: a consonant and what extends it; 2: a linker among that.
  let conjunct = (last & CONSONANT) !== 0 ? 1 : 0;
  while (i < text.length) {
    codePoint = text.codePointAt(i) as number;
    const next = byCodePoint[codePoint] as number;
    const kind = next & BREAK;
    const joined =
      joins(last & BREAK, kind) ||
      (pictograph === 2 && kind === PICTOGRAPH) ||
      (conjunct === 2 && (next & CONSONANT) !== 0) ||
      (kind === REGIONAL && regionals % 2 === 1 && (last & BREAK) === REGIONAL);
    if (!joined) return i;
    i += widthOf(codePoint);
    if (kind === PICTOGRAPH) pictograph = 1;
    else if (pictograph === 1 && kind === ZWJ) pictograph = 2;
    else if (!(pictograph === 1 && kind === EXTEND)) pictograph = 0;
    if ((next & CONSONANT) !== 0) conjunct = 1;
    else if (conjunct > 0 && (next & LINKER) !== 0) conjunct = 2;
    else if ((next & CONJUNCT_EXTEND) === 0) conjunct = 0;
    regionals = kind === REGIONAL ? regionals + 1 : 0;
    last = next;
  }
  return i;
}

/** Whether a code point joins no other that stands alone: between two such ones a grapheme always ends. */
export function standsAlone(codePoint: number): boolean {
  return classes()[codePoint] === 0;
}

function joins(before: number, after: number): boolean {
  if (before === CR) return after === LF;
  if (before === LF || before === CONTROL || after === CR || after === LF || after === CONTROL) return false;
  if (after === EXTEND || after === ZWJ || after === SPACING || before === PREPEND) return true;
  if (before === L) return after === L || after === V || after === LV || after === LVT;
  if (before === LV || before === V) return after === V || after === T;
  return (before === LVT || before === T) && after === T;
}
