import { describe, expect, it } from '@jest/globals';
import { goldens } from './fixtures.fixture.js';
import {
  byteLevelGoldens,
  byteLevelTokenizer,
  digest,
  formGoldens,
  fuzzTexts,
  hashesOfIds,
  patched,
  tokenizerOf,
  unicodeGoldens,
  unicodeTexts,
} from './goldens.fixture.js';
import { parseTokenizer, TOKENIZER_REVISION } from './index.js';
import { TOKENIZERS_VERSION } from './unicode/tables.js';

const unicode = unicodeGoldens();
const all = { maxTokens: 1_000_000 };

describe.each(Object.keys(unicode.unicode))('%s', (name) => {
  const tokenizer = tokenizerOf(name);

  it('has the ids of the library for every code point', () => {
    const hashes = hashesOfIds(tokenizer, unicodeTexts(unicode.codePoints), 64);
    const expected = unicode.unicode[name] ?? [];
    expect(hashes.flatMap((hash, block) => (hash === expected[block] ? [] : [block]))).toEqual([]);
    expect(hashes.length).toBe(55);
  });

  it('has the ids of the library for 10,000 texts of chance', () => {
    const { fuzz } = unicode;
    const texts = fuzz.seeds.flatMap((seed) => fuzzTexts(fuzz, seed, fuzz.count));
    const hashes = hashesOfIds(tokenizer, texts, fuzz.block);
    expect(hashes).toEqual(unicode.fuzzed[name]);
    expect(texts.length).toBe(10_000);
  });
});

describe('forms of tokenizer.json', () => {
  const texts = [
    ...goldens('wordpiece').flatMap(({ text }, i) => (i % 3 === 0 ? [text] : [])),
    ...fuzzTexts(unicode.fuzz, 5, 239),
  ];

  it.each(formGoldens().map((form) => [form.base, form.name, form] as const))('%s: %s', (base, _name, form) => {
    expect(hashesOfIds(patched(base === 'unigram' ? 'unigram small' : base, form.patch), texts, 100)).toEqual(form.ids);
  });
});

it('byte-level: ids, offsets and decoded texts are those of the library', () => {
  const tokenizer = parseTokenizer(byteLevelTokenizer(), 'byte-level');
  const texts = goldens('wordpiece').map(({ text }) => text);
  const cases = byteLevelGoldens();
  expect(cases.length).toBe(781);
  const actual = texts.map((text) => {
    const { ids, starts, ends } = tokenizer.encodeWithOffsets(text, all);
    const characters = charactersBefore(text);
    const offsets = Array.from(starts, (start, i) => `${characters[start]}-${characters[ends[i] ?? 0]}`);
    return { ids: [...ids], offsets: digest(offsets), decoded: digest([tokenizer.decode(ids)]) };
  });
  expect(actual).toEqual(cases);
});

/** Code points before each UTF-16 unit, and before the end. */
function charactersBefore(text: string): readonly number[] {
  const counts: number[] = [];
  let count = 0;
  for (const character of text) {
    for (let unit = 0; unit < character.length; unit++) counts.push(count);
    count += 1;
  }
  return [...counts, count];
}

it('the tables are of the version that the goldens are of', () => {
  expect({ TOKENIZERS_VERSION, TOKENIZER_REVISION }).toEqual({ TOKENIZERS_VERSION: '0.22.2', TOKENIZER_REVISION: 1 });
});
