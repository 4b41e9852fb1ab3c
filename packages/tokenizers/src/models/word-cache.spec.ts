import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PieceModel } from '../stages.js';
import { WordCache } from './word-cache.js';

type Piece = readonly [id: number, from: number, to: number];

/** Cuts a word into pieces of one, two, three … units; ids as large as they may be; counts its calls. */
class CountingModel implements PieceModel {
  calls = 0;

  encodeWord(text: string, from: number, to: number, sink: (...piece: Piece) => void): void {
    this.calls += 1;
    for (let start = from, width = 1; start < to; width += 1) {
      const end = Math.min(start + width, to);
      sink(999_999 - text.charCodeAt(start), start, end);
      start = end;
    }
  }
}

function piecesOf(model: PieceModel, text: string, from = 0, to = text.length): readonly Piece[] {
  const pieces: Piece[] = [];
  model.encodeWord(text, from, to, (...piece) => pieces.push(piece));
  return pieces;
}

const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const word = fc.oneof(
  fc.string({ unit, minLength: 1, maxLength: 12 }),
  fc.constantFrom('a', 'ab', 'abc', 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(700)),
);

describe('WordCache', () => {
  it('gives the pieces of the model, whatever came before and wherever the word stands', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.string({ maxLength: 3 })), { maxLength: 40 }), (words) => {
        const cache = new WordCache(new CountingModel());
        for (const [one, before] of [...words, ...words]) {
          const text = `${before}${one}!`;
          const [from, to] = [before.length, before.length + one.length];
          expect(piecesOf(cache, text, from, to)).toEqual(piecesOf(new CountingModel(), text, from, to));
        }
      }),
    );
  });

  it('asks the model once for a word, and each time for one that is too long', () => {
    const model = new CountingModel();
    const cache = new WordCache(model);
    for (let i = 0; i < 3; i++) for (const one of ['word', 'other', 'y'.repeat(256)]) piecesOf(cache, one);
    expect(model.calls).toBe(2 + 3);
  });

  it('stays right when its memory is full and when words share a place', () => {
    const cache = new WordCache(new CountingModel());
    const words = Array.from({ length: 80_000 }, (_, i) => `${i}${'z'.repeat(i % 20)}`);
    for (const one of words) piecesOf(cache, one);
    const different = words.filter((one) => piecesOf(cache, one).join() !== piecesOf(new CountingModel(), one).join());
    expect(different).toEqual([]);
  });
});
