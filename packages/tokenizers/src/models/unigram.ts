import { Trie } from '../trie.js';
import type { PieceModel, PieceSink } from '../stages.js';

/**
 * What an unknown character costs below the least likely piece (sentencepiece kUnkPenalty; tokenizers 0.22
 * models/unigram/model.rs).
 */
const UNKNOWN_PENALTY = 10;
/** Units for which space is kept between words: a word of megabytes must not hold 16 times its length for ever. */
const KEPT_UNITS = 16_384;

export interface UnigramOptions {
  readonly pieces: readonly string[];
  /** Log probabilities. */
  readonly scores: Float64Array;
  readonly unknownId: number;
}

/** The most likely segmentation (Viterbi over the pieces), consecutive unknown characters merged. */
export class Unigram implements PieceModel {
  readonly #trie = new Trie();
  readonly #scores: Float64Array;
  readonly #unknownId: number;
  readonly #unknownScore: number;
  /**
   * Per position of the word: best score up to it, where its piece starts, the piece's id; and of the best segmentation,
   * where the piece that starts here ends. Grown as words come.
   */
  #best = new Float64Array(256);
  #from = new Int32Array(256);
  #ids = new Int32Array(256);
  #ends = new Int32Array(256);

  constructor({ pieces, scores, unknownId }: UnigramOptions) {
    pieces.forEach((piece, id) => {
      this.#trie.add(piece, id);
    });
    this.#scores = scores;
    this.#unknownId = unknownId;
    let least = Infinity;
    for (const score of scores) if (score < least) least = score;
    this.#unknownScore = least - UNKNOWN_PENALTY;
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    const length = to - from;
    this.#reserve(length + 1);
    const best = this.#best;
    const starts = this.#from;
    const ids = this.#ids;
    const trie = this.#trie;
    const scores = this.#scores;
    starts.fill(-1, 0, length + 1);
    best[0] = 0;
    for (let i = 0; i < length;) {
      const width = (text.codePointAt(from + i) as number) > 0xffff && i + 1 < length ? 2 : 1;
      const score = best[i] as number;
      let single = false;
      let node = Trie.ROOT;
      for (let j = i; j < length; j++) {
        const edge = trie.edge(node, text.charCodeAt(from + j));
        if (edge < 0) break;
        node = trie.child(edge);
        const id = trie.value(edge);
        if (id < 0) continue;
        const end = j + 1;
        const candidate = score + (scores[id] as number);
        if (starts[end] === -1 || candidate > (best[end] as number)) {
          best[end] = candidate;
          starts[end] = i;
          ids[end] = id;
        }
        if (end - i === width) single = true;
      }
      if (!single) {
        const end = i + width;
        const candidate = score + this.#unknownScore;
        if (starts[end] === -1 || candidate > (best[end] as number)) {
          best[end] = candidate;
          starts[end] = i;
          ids[end] = this.#unknownId;
        }
      }
      i += width;
    }
    this.#trace(from, length, sink);
    if (length > KEPT_UNITS) this.#allocate(KEPT_UNITS);
  }

  #trace(from: number, length: number, sink: PieceSink): void {
    const ends = this.#ends;
    const ids = this.#ids;
    for (let end = length; end > 0; end = this.#from[end] as number) ends[this.#from[end] as number] = end;
    for (let start = 0; start < length;) {
      let end = ends[start] as number;
      const id = ids[end] as number;
      if (id === this.#unknownId) {
        while (end < length && ids[ends[end] as number] === this.#unknownId) end = ends[end] as number;
      }
      sink(id, from + start, from + end);
      start = end;
    }
  }

  #reserve(length: number): void {
    if (length <= this.#best.length) return;
    this.#allocate(2 ** Math.ceil(Math.log2(length)));
  }

  #allocate(size: number): void {
    this.#best = new Float64Array(size);
    this.#from = new Int32Array(size);
    this.#ids = new Int32Array(size);
    this.#ends = new Int32Array(size);
  }
}
