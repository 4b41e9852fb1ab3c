import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { modelTokenizerFile } from '../fixtures.fixture.js';
import { JsonReader } from '../json/json-reader.js';
import { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';
import { graphemeEnd } from '../unicode/graphemes.js';
import { widthOf } from '../unicode/properties.js';
import { CodePointMap } from './code-point-map.js';
import { readNormalizer } from './read-normalizer.js';

/** Normalisers that take what stays as it is in runs give what they give part by part. */
const scalar = fc
  .oneof(
    fc.integer({ min: 0x20, max: 0x7e }),
    fc.integer({ min: 0, max: 0x24f }),
    fc.integer({ min: 0x300, max: 0x36f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
    fc.constantFrom(0x0d, 0x0a, 0x200d, 0x1f469, 0x1f1e6, 0xac01, 0x1100, 0x1161, 0x0915, 0x094d, 0xff21),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));
const text = fc.array(scalar, { maxLength: 40 }).map((parts) => parts.join(''));

interface Mapped {
  readonly text: string;
  readonly ranges: readonly (readonly [number, number])[];
}

function normalized(normalizer: Normalizer, source: string, offset = 0): Mapped {
  const { text, ...mapped } = normalizer.normalize(MappedText.of(source, offset, 'offsets'));
  expect(normalizer.normalize(MappedText.of(source, offset, 'none')).text).toBe(text);
  return { text, ranges: Array.from(text, (_, i) => [mapped.starts?.at(i) ?? -1, mapped.ends?.at(i) ?? -1]) };
}

/** As above, of each of the parts of a text alone. */
function inParts(normalizer: Normalizer, source: string, end: (text: string, from: number) => number): string {
  let out = '';
  for (let from = 0; from < source.length;) {
    const to = end(source, from);
    out += normalized(normalizer, source.slice(from, to), from).text;
    from = to;
  }
  return out;
}

const nextCharacter = (source: string, from: number): number => from + widthOf(source.codePointAt(from) ?? 0);

describe('CodePointMap', () => {
  const mapOf = (codePoint: number): string =>
    codePoint % 3 === 0 ? String.fromCodePoint(codePoint) : codePoint % 3 === 1 ? '' : `<${codePoint}>`;
  const map = new CodePointMap(mapOf, 10);

  it('maps each code point, which stands where it stood', () => {
    fc.assert(
      fc.property(text, fc.nat(9), (source, offset) => {
        const expected: [string, number, number][] = [];
        for (let i = 0; i < source.length; i = nextCharacter(source, i)) {
          const piece = mapOf(source.codePointAt(i) ?? 0);
          for (const one of piece.split('')) expected.push([one, offset + i, offset + nextCharacter(source, i)]);
        }
        const mapped = map.normalize(MappedText.of(source, offset, 'offsets'));
        const actual = mapped.text.split('').map((one, i) => [one, ...mapped.range(i, i + 1)]);
        expect(actual).toEqual(expected);
        expect(map.normalize(MappedText.of(source, offset, 'none')).text).toBe(mapped.text);
      }),
    );
  });
});

describe('PrecompiledCharsmap', () => {
  const normalizer = readNormalizer(
    new JsonReader(modelTokenizerFile('multilingual-e5-small').normalizer.normalizers?.[0], 'e5'),
  );

  it('rewrites each grapheme by itself', () => {
    fc.assert(
      fc.property(text, (source) => {
        expect(normalized(normalizer, source).text).toBe(inParts(normalizer, source, graphemeEnd));
      }),
    );
  });
});

describe('BertNormalizer', () => {
  const normalizer = readNormalizer(new JsonReader(modelTokenizerFile('all-MiniLM-L6-v2').normalizer, 'MiniLM'));

  it('rewrites each character by itself where no mark moves', () => {
    fc.assert(
      fc.property(
        text.filter((source) => source.normalize('NFD') === Array.from(source, (one) => one.normalize('NFD')).join('')),
        (source) => {
          expect(normalized(normalizer, source).text).toBe(inParts(normalizer, source, nextCharacter));
        },
      ),
    );
  });
});
