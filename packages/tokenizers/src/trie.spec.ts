import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Trie } from './trie.js';

/** The value of a piece, undefined where no piece starts with it. */
function valueOf(trie: Trie, piece: string): number | undefined {
  let node = Trie.ROOT;
  let value = -1;
  for (let i = 0; i < piece.length; i++) {
    const edge = trie.edge(node, piece.charCodeAt(i));
    if (edge < 0) return undefined;
    value = trie.value(edge);
    node = trie.child(edge);
  }
  return value;
}

const unit = fc.constantFrom('a', 'b', 'c', '\0', '\u4e2d', '\ud83d', '\ude00', '\uffff');
const piece = fc.string({ unit, maxLength: 8 });

describe('Trie', () => {
  it('holds the pieces that were added, their prefixes, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 300 }), fc.array(piece), (pieces, others) => {
        const trie = new Trie();
        pieces.forEach((one, value) => trie.add(one, value));
        const values = new Map(pieces.map((one, value) => [one, value]));
        for (const one of [...pieces, ...others].filter((text) => text !== '')) {
          const known = values.get(one) ?? (pieces.some((longer) => longer.startsWith(one)) ? -1 : undefined);
          expect(valueOf(trie, one)).toBe(known);
        }
      }),
    );
  });

  it('holds many', () => {
    const trie = new Trie();
    for (let i = 0; i < 50_000; i++) trie.add(`${i}`, i);
    expect(Array.from({ length: 50_001 }, (_, i) => valueOf(trie, `${i}`)).findIndex((value, i) => value !== i)).toBe(
      50_000,
    );
  });
});
