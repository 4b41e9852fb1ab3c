import { Int32List } from '../int32-list.js';
import type { PieceModel, PieceSink } from '../stages.js';
import { Trie } from '../trie.js';

export interface WordPieceOptions {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknownId: number;
  readonly continuingPrefix: string;
  /** In code points; a longer word is one unknown token. */
  readonly maxCharactersPerWord: number;
}

/** Greedy longest match from the left; a word with a rest that matches nothing is one unknown token. */
export class WordPiece implements PieceModel {
  readonly #initial = new Trie();
  readonly #continuing = new Trie();
  readonly #options: WordPieceOptions;
  /** The pieces of the word at hand: nothing is known of them before its end is reached. */
  readonly #ids = new Int32List();
  readonly #ends = new Int32List();

  constructor(options: WordPieceOptions) {
    this.#options = options;
    for (const [piece, id] of options.vocabulary) {
      this.#initial.add(piece, id);
      if (piece.startsWith(options.continuingPrefix))
        this.#continuing.add(piece.slice(options.continuingPrefix.length), id);
    }
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    const { unknownId, maxCharactersPerWord } = this.#options;
    if (longerThan(text, from, to, maxCharactersPerWord) || !this.#match(text, from, to)) {
      sink(unknownId, from, to);
      return;
    }
    let start = from;
    for (let i = 0; i < this.#ids.length; i++) {
      const end = this.#ends.at(i);
      sink(this.#ids.at(i), start, end);
      start = end;
    }
  }

  /** Whether pieces make up the word. */
  #match(text: string, from: number, to: number): boolean {
    this.#ids.clear();
    this.#ends.clear();
    for (let start = from; start < to;) {
      const trie = start === from ? this.#initial : this.#continuing;
      let node = Trie.ROOT;
      let end = start;
      let id = -1;
      for (let i = start; i < to; i++) {
        const edge = trie.edge(node, text.charCodeAt(i));
        if (edge < 0) break;
        const value = trie.value(edge);
        if (value >= 0) {
          id = value;
          end = i + 1;
        }
        node = trie.child(edge);
      }
      if (id < 0) return false;
      this.#ids.push(id);
      this.#ends.push(end);
      start = end;
    }
    return true;
  }
}

function longerThan(text: string, from: number, to: number, limit: number): boolean {
  if (to - from <= limit) return false;
  if (to - from > limit * 2) return true;
  let characters = 0;
  for (let i = from; i < to; i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1) characters += 1;
  return characters > limit;
}
