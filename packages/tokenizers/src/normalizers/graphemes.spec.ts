import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { graphemes } from './graphemes.js';

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const joining = fc.constantFrom(
  'a',
  'é',
  'Ж',
  'ω',
  ' ',
  '\r',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '\u0301',
  '\u0302',
  '\u034f',
  '\u200d',
  '\u200c',
  '\ufe0f',
  '👩',
  '🏽',
  '🇨',
  '🇭',
  '❤',
  '각',
  '\u1100',
  '\u1161',
  '\u11a8',
  'क',
  '\u094d',
  'ष',
  '\u0e33',
  'ก',
  '\u0600',
  '\u0d4e',
  '\u00ad',
  '\u2028',
  '\u0488',
  '\ud83d',
  '\udc69',
  '中',
);

it.each([
  ['short', 1, 12],
  ['longer than a window', 100, 700],
])('clusters are those of the segmenter: texts %s', (_what, minLength, maxLength) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: joining, minLength, maxLength }),
        fc.string({ unit: fc.constantFrom('a', '\u0301', '\r', '\n', 'é'), minLength, maxLength }),
        fc.string({ unit: 'binary', minLength, maxLength }),
      ),
      (text) => {
        const expected = Array.from(segmenter.segment(text), ({ index, segment }) => [index, index + segment.length]);
        expect([...graphemes(text)]).toEqual(expected);
      },
    ),
    { numRuns: 1_000 },
  );
});

it('a window that would end inside a surrogate pair does not part it from the cluster before', () => {
  const text = `${'中'.repeat(126)}a🏽b`;
  expect([...graphemes(text)].slice(-2)).toEqual([
    [126, 129],
    [129, 130],
  ]);
});

it('a cluster longer than any window is one', () => {
  const text = `क${'\u0301'.repeat(10_000)}b`;
  expect([...graphemes(text)]).toEqual([
    [0, 10_001],
    [10_001, 10_002],
  ]);
});
