import { Trie } from '../trie.js';
import type { PieceModel, PieceSink } from '../stages.js';

export interface WordPieceOptions {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknownId: number;
  readonly continuingPrefix: string;
  /** In code points; a longer word is one unknown token. */
  readonly maxCharactersPerWord: number;
}

/** Greedy longest match from the left; a word with a rest that matches nothing is one unknown token. */
export class WordPiece implements PieceModel {
  readonly #initial: Trie;
  readonly #continuing: Trie;
  readonly #options: WordPieceOptions;

  constructor(options: WordPieceOptions) {
    this.#options = options;
    let units = 0;
    for (const piece of options.vocabulary.keys()) units += piece.length;
    this.#initial = new Trie(units);
    this.#continuing = new Trie(units);
    for (const [piece, id] of options.vocabulary) {
      this.#initial.add(piece, id);
      if (piece.startsWith(options.continuingPrefix))
        this.#continuing.add(piece.slice(options.continuingPrefix.length), id);
    }
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    const { unknownId, maxCharactersPerWord } = this.#options;
    if (longerThan(text, from, to, maxCharactersPerWord)) {
      sink(unknownId, from, to);
      return;
    }
    const ends: number[] = [];
    const ids: number[] = [];
    for (let start = from; start < to;) {
      const trie = start === from ? this.#initial : this.#continuing;
      let node = Trie.ROOT;
      let end = start;
      let id = -1;
      for (let i = start; i < to; i++) {
        node = trie.step(node, text.charCodeAt(i));
        if (node < 0) break;
        const value = trie.value(node);
        if (value >= 0) {
          id = value;
          end = i + 1;
        }
      }
      if (id < 0 || end === start) {
        sink(unknownId, from, to);
        return;
      }
      ids.push(id);
      ends.push(end);
      start = end;
    }
    ids.forEach((id, i) => sink(id, i === 0 ? from : (ends[i - 1] as number), ends[i] as number));
  }
}

function longerThan(text: string, from: number, to: number, limit: number): boolean {
  if (to - from <= limit) return false;
  if (to - from > limit * 2) return true;
  let characters = 0;
  for (let i = from; i < to; i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1) characters += 1;
  return characters > limit;
}
