import type { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';
import { lowerCase } from '../unicode/lower-case.js';
import { normalForm } from '../unicode/normal-form.js';
import {
  hasProperty,
  KEPT_MARK,
  NONSPACING,
  properties,
  REMOVED,
  WHITE_SPACE,
  widthOf,
} from '../unicode/properties.js';
import { CodePointMap } from './code-point-map.js';
import { sequence, unicodeForm } from './rewrites.js';

export interface BertNormalizerOptions {
  readonly cleanText: boolean;
  readonly handleChineseCharacters: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

/** The ranges of tokenizers 0.22 normalizers/bert.rs `is_chinese_char`. */
const CHINESE: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/**
 * BertNormalizer: each step looks at one code point alone, so the whole is a table from code point to text. Only where
 * accents go, and a mark stands that is kept and that NFD may move, the steps are done one after the other.
 */
export class BertNormalizer implements Normalizer {
  /** A character between two spaces, NFD, and lower case of two units. */
  readonly growth = 3 * 4 * 2;
  readonly #table: Normalizer;
  readonly #steps: Normalizer;

  constructor(private readonly options: BertNormalizerOptions) {
    const { stripAccents } = options;
    const clean = (codePoint: number): string => this.#clean(codePoint);
    this.#table = new CodePointMap((codePoint) => {
      const cleaned = clean(codePoint);
      return mapEach(stripAccents ? decomposed(cleaned) : cleaned, (one) => this.#lowerCase(one));
    }, this.growth);
    this.#steps = sequence([
      new CodePointMap(clean, 3),
      unicodeForm('NFD'),
      new CodePointMap((codePoint) => this.#lowerCase(codePoint), 2),
    ]);
  }

  normalize(source: MappedText): MappedText {
    const { stripAccents } = this.options;
    return (stripAccents && hasKeptMark(source.text) ? this.#steps : this.#table).normalize(source);
  }

  #clean(codePoint: number): string {
    const { cleanText, handleChineseCharacters } = this.options;
    const character = String.fromCodePoint(codePoint);
    if (cleanText) {
      if (hasProperty(codePoint, REMOVED)) return '';
      if (hasProperty(codePoint, WHITE_SPACE)) return ' ';
    }
    return handleChineseCharacters && CHINESE.some(([first, last]) => codePoint >= first && codePoint <= last)
      ? ` ${character} `
      : character;
  }

  #lowerCase(codePoint: number): string {
    const { stripAccents, lowercase } = this.options;
    if (stripAccents && hasProperty(codePoint, NONSPACING)) return '';
    return lowercase ? lowerCase(codePoint) : String.fromCodePoint(codePoint);
  }
}

function decomposed(text: string): string {
  let out = '';
  normalForm(text, 'NFD', 'runs', (piece) => (out += piece));
  return out;
}

function mapEach(text: string, map: (codePoint: number) => string): string {
  return Array.from(text, (one) => map(one.codePointAt(0) as number)).join('');
}

function hasKeptMark(text: string): boolean {
  const table = properties();
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i) as number;
    if (((table[codePoint] as number) & KEPT_MARK) !== 0) return true;
    i += widthOf(codePoint);
  }
  return false;
}
