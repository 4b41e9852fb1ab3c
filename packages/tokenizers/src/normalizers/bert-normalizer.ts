import type { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';

export interface BertNormalizerOptions {
  readonly cleanText: boolean;
  readonly handleChineseCharacters: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

// tokenizers 0.22 normalizers/bert.rs: Cc, Cf and Co are removed, unassigned code points stay.
const CONTROL = /^[\p{Cc}\p{Cf}\p{Co}\0\uFFFD]$/u;
const WHITE_SPACE = /^\p{White_Space}$/u;
const NONSPACING_MARK = /\p{Mn}/gu;
/** The ranges of bert.rs `is_chinese_char`. */
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
 * BertNormalizer: each step looks at one code point alone, so the whole is a table from code point to text, filled as
 * code points come.
 */
export class BertNormalizer implements Normalizer {
  readonly #table = new Map<number, string>();

  constructor(private readonly options: BertNormalizerOptions) {}

  normalize(text: string, offset: number, out: MappedText): void {
    for (let i = 0; i < text.length;) {
      const codePoint = text.codePointAt(i) as number;
      const length = codePoint > 0xffff ? 2 : 1;
      let mapped = this.#table.get(codePoint);
      if (mapped === undefined) {
        mapped = this.#map(String.fromCodePoint(codePoint), codePoint);
        this.#table.set(codePoint, mapped);
      }
      out.push(mapped, offset + i, offset + i + length);
      i += length;
    }
  }

  #map(character: string, codePoint: number): string {
    const { cleanText, handleChineseCharacters, stripAccents, lowercase } = this.options;
    let mapped = character;
    if (cleanText) {
      if (character === '\t' || character === '\n' || character === '\r') return ' ';
      if (CONTROL.test(character)) return '';
      if (WHITE_SPACE.test(character)) mapped = ' ';
    }
    if (handleChineseCharacters && CHINESE.some(([first, last]) => codePoint >= first && codePoint <= last))
      mapped = ` ${mapped} `;
    if (stripAccents) mapped = mapped.normalize('NFD').replace(NONSPACING_MARK, '');
    // Code point by code point: the library knows no final sigma.
    if (lowercase) mapped = Array.from(mapped, (one) => one.toLowerCase()).join('');
    return mapped;
  }
}
