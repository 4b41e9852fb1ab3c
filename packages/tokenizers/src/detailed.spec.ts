import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { detailedTokens, tokenColumns } from '@kimera/core';
import { fixturePath, modelTokenizer, tokenizerPath } from './fixtures.fixture.js';
import { byteLevelTokenizer } from './goldens.fixture.js';
import { createTokenizerPool, parseTokenizer, type TokenizerPool } from './index.js';

type Row = readonly [id: number, text: string, special: boolean, start: number | null, stop: number | null];
interface Goldens {
  readonly tokens: readonly {
    readonly text: string;
    readonly with: readonly Row[];
    readonly without: readonly Row[];
  }[];
  readonly decoded: readonly { readonly ids: readonly number[]; readonly skipped: string; readonly whole: string }[];
}
const { models } = JSON.parse(readFileSync(fixturePath('tokenizers/detailed.json'), 'utf8')) as {
  readonly models: Readonly<Record<'wordpiece' | 'unigram' | 'byte-level', Goldens>>;
};

describe.each([
  ['wordpiece', modelTokenizer('all-MiniLM-L6-v2')],
  ['unigram', modelTokenizer('multilingual-e5-small')],
  ['byte-level', byteLevelTokenizer()],
] as const)('%s', (name, json) => {
  const tokenizer = parseTokenizer(json, name);
  const { tokens, decoded } = models[name];

  it('has the tokens, UTF-8 offsets and special tokens of the library', () => {
    expect(tokens.length).toBeGreaterThan(25);
    for (const golden of tokens)
      for (const [side, addSpecialTokens] of [
        ['with', true],
        ['without', false],
      ] as const) {
        const columns = tokenColumns(tokenizer, golden.text, { addSpecialTokens });
        const rows = Array.from(detailedTokens(columns), ({ id, text, special, start, stop }): Row => [
          id,
          text,
          special,
          start,
          stop,
        ]);
        expect({ text: golden.text, rows }).toEqual({ text: golden.text, rows: golden[side] });
      }
  });

  it('decodes lists of ids as the library, with and without special tokens', () => {
    expect(decoded.length).toBeGreaterThan(180);
    for (const { ids, skipped, whole } of decoded) {
      expect({ ids, text: tokenizer.decode(ids) }).toEqual({ ids, text: skipped });
      expect({ ids, text: tokenizer.decode(ids, { skipSpecialTokens: false }) }).toEqual({ ids, text: whole });
    }
  });
});

it('lone surrogates stand as U+FFFD, three bytes each', () => {
  const tokenizer = parseTokenizer(byteLevelTokenizer(), 'byte-level');
  const tokens = [...detailedTokens(tokenColumns(tokenizer, 'a\ud800b', { addSpecialTokens: false }))];
  expect(tokens.at(-1)).toMatchObject({ text: 'b', start: 4, stop: 5 });
});

describe('in worker threads', () => {
  let pool: TokenizerPool;
  beforeAll(async () => {
    pool = await createTokenizerPool({ tokenizerPath: tokenizerPath('all-MiniLM-L6-v2') });
  });
  afterAll(() => pool.close());

  it('long texts and lists are those of this thread, which stays free', async () => {
    const texts = ['héllo wörld '.repeat(30_000), 'short', '', 'another '.repeat(40_000)];
    const expected = texts.map((text) => tokenColumns(pool.tokenizer, text));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const columns = await pool.tokenColumns(texts);
    const during = turns;
    clearInterval(timer);
    expect(during).toBeGreaterThan(3);
    expect(columns).toEqual(expected);
    const lists = columns.map(({ ids }) => ids);
    expect(await pool.decodeBatch(lists)).toEqual(lists.map((ids) => pool.tokenizer.decode(ids)));
    expect(await pool.decodeBatch(lists, { skipSpecialTokens: false })).toEqual(
      lists.map((ids) => pool.tokenizer.decode(ids, { skipSpecialTokens: false })),
    );
    expect((await pool.tokenColumns(texts, { addSpecialTokens: false }))[1]?.before).toEqual([]);
  });

  it('short ones are done at once, and none give none', async () => {
    expect(await pool.tokenColumns(['hello'])).toEqual([tokenColumns(pool.tokenizer, 'hello')]);
    expect(await pool.decodeBatch([Int32Array.of(7592)])).toEqual(['hello']);
    expect(await pool.tokenColumns([])).toEqual([]);
    expect(await pool.decodeBatch([])).toEqual([]);
  });
});
