import type { Tokenizer } from '@kimera/core';
import fc from 'fast-check';
import { rejection, type TestFunctions } from '../test-functions.js';
import { UNUSUAL_TEXTS } from '../unusual-texts.js';

export interface TokenizerCase {
  readonly name: string;
  readonly open: () => Promise<Tokenizer>;
}

const WHOLE = { maxTokens: 1_000_000 };
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
/** Any UTF-16, lone surrogates and controls included. */
const anyUnits = fc.string({ unit, maxLength: 60 });

/** What every Tokenizer must do; the special tokens are read from it. */
export function tokenizerConformance(
  { describe, it, beforeAll, expect }: TestFunctions,
  { name, open }: TokenizerCase,
): void {
  describe(`${name} as a tokenizer`, () => {
    let tokenizer: Tokenizer;
    /** Special tokens put around a text. */
    let specials = 0;
    beforeAll(async () => {
      tokenizer = await open();
      specials = tokenizer.encode('', WHOLE).ids.length;
    });
    const ids = (value: string, options = WHOLE): readonly number[] => [...tokenizer.encode(value, options).ids];

    it('gives ids of its vocabulary for any text, the same ones each time', async () => {
      fc.assert(
        fc.property(fc.oneof(text, anyUnits, fc.constantFrom(...UNUSUAL_TEXTS)), (value) => {
          const { ids: first, totalTokens, truncated } = tokenizer.encode(value, WHOLE);
          expect(first.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
          expect({ totalTokens, truncated }).toEqual({ totalTokens: first.length, truncated: false });
          expect(ids(value)).toEqual([...first]);
        }),
      );
    });

    it('cuts to a prefix, or a suffix, between the special tokens, and says so', async () => {
      fc.assert(
        fc.property(text, fc.integer({ min: specials, max: 20 + specials }), (value, maxTokens) => {
          const whole = ids(value, { ...WHOLE, addSpecialTokens: false } as typeof WHOLE);
          const kept = Math.min(whole.length, maxTokens - specials);
          for (const truncationSide of ['right', 'left'] as const) {
            const cut = tokenizer.encode(value, { maxTokens, truncationSide });
            expect(cut.totalTokens).toBe(whole.length + specials);
            expect(cut.truncated).toBe(whole.length + specials > maxTokens);
            const bare = [
              ...tokenizer.encode(value, { maxTokens: maxTokens - specials, truncationSide, addSpecialTokens: false })
                .ids,
            ];
            expect(bare).toEqual(truncationSide === 'right' ? whole.slice(0, kept) : whole.slice(whole.length - kept));
            expect(cut.ids.length).toBe(kept + specials);
            expect([...cut.ids].join().includes(bare.join())).toBe(true);
          }
        }),
      );
    });

    it('refuses fewer tokens than the special ones', async () => {
      expect(specials > 0).toBe(true);
      expect(await rejection(() => tokenizer.encode('x', { maxTokens: specials - 1 }))).toMatchObject({
        code: 'INVALID_ENCODE_OPTIONS',
      });
    });

    it('puts special tokens around a text, and leaves them out where asked', async () => {
      const around = ids('', WHOLE);
      expect(around.every((id) => tokenizer.isSpecial(id))).toBe(true);
      expect(tokenizer.encode('', { ...WHOLE, addSpecialTokens: false }).ids.length).toBe(0);
      expect(
        tokenizer.encode('word', { ...WHOLE, addSpecialTokens: false }).ids.some((id) => tokenizer.isSpecial(id)),
      ).toBe(false);
    });

    it('gives offsets inside the text, in order, with the same ids; special tokens have [0, 0)', async () => {
      fc.assert(
        fc.property(fc.oneof(text, anyUnits), (value) => {
          const encoding = tokenizer.encodeWithOffsets(value, WHOLE);
          expect([...encoding.ids]).toEqual(ids(value));
          const around = new Set(ids(''));
          let last = 0;
          encoding.ids.forEach((id, i) => {
            const [start = -1, end = -1] = [encoding.starts[i], encoding.ends[i]];
            if (around.has(id) && start === 0 && end === 0) return;
            expect(start >= last && end >= start && end <= value.length).toBe(true);
            last = start;
          });
        }),
      );
    });

    it('reads lone surrogates as U+FFFD', async () => {
      expect(ids('a\ud800b')).toEqual(ids('a\ufffdb'));
      expect(ids('\udc00')).toEqual(ids('\ufffd'));
    });

    it('knows the pieces of its ids, and none beyond the vocabulary', async () => {
      for (const id of ids('word')) expect(typeof tokenizer.token(id)).toBe('string');
      for (const id of [tokenizer.vocabularySize, -1, 0.5]) {
        expect(tokenizer.token(id)).toBe(undefined);
        expect(tokenizer.isSpecial(id)).toBe(false);
      }
    });

    it('decodes what it encoded, without special tokens unless asked', async () => {
      expect(tokenizer.decode(ids('hello world'))).toBe('hello world');
      expect(tokenizer.decode(ids(''), { skipSpecialTokens: false }).length > 0).toBe(true);
      expect(tokenizer.decode([])).toBe('');
      expect(tokenizer.decode([tokenizer.vocabularySize])).toBe('');
    });
  });
}
