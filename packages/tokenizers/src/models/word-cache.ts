import type { PieceModel, PieceSink } from '../stages.js';

/** Places for words, a power of two: twice as many as the memory has room for. */
const PLACE_BITS = 16;
/** Places that a word may be at: few, so that words whose hashes are alike cost no more than others. */
const TRIES = 4;
/** Units of memory for the words and their pieces: 1 MB, some 35,000 words of a language. */
const UNITS = 1 << 19;
/** A longer word is not remembered: it rarely comes again. */
const LONGEST = 255;

/**
 * Remembers the pieces of words, since most words of a text were seen before: such a word gets what the model gave it
 * then. Its place is that of its hash or one of the next, and if other words have all of them it takes the first over.
 * Once the memory is full, all is forgotten.
 */
export class WordCache implements PieceModel {
  readonly #model: PieceModel;
  /** By hash: where in `units` the word is, 0 where none is. */
  readonly #places = new Int32Array((1 << PLACE_BITS) + TRIES);
  /**
   * A word: its length, how many pieces it has, its units; of each piece the id as two units (low, high) and its end in
   * the word.
   */
  readonly #units = new Uint16Array(UNITS);
  #used = 1;

  constructor(model: PieceModel) {
    this.#model = model;
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    if (to - from > LONGEST) {
      this.#model.encodeWord(text, from, to, sink);
      return;
    }
    const first = placeOf(text, from, to);
    for (let place = first; place < first + TRIES; place++) {
      const at = this.#places[place] as number;
      if (at === 0) {
        this.#remember(place, text, from, to, sink);
        return;
      }
      if (this.#isAt(at, text, from, to)) {
        this.#recall(at, from, sink);
        return;
      }
    }
    this.#remember(first, text, from, to, sink);
  }

  #isAt(at: number, text: string, from: number, to: number): boolean {
    const units = this.#units;
    if (units[at] !== to - from) return false;
    for (let i = from, unit = at + 2; i < to; i++, unit++) if (units[unit] !== text.charCodeAt(i)) return false;
    return true;
  }

  #recall(at: number, from: number, sink: PieceSink): void {
    const units = this.#units;
    const first = at + 2 + (units[at] as number);
    const last = first + (units[at + 1] as number) * 3;
    let start = from;
    for (let piece = first; piece < last; piece += 3) {
      const end = from + (units[piece + 2] as number);
      sink((units[piece] as number) | ((units[piece + 1] as number) << 16), start, end);
      start = end;
    }
  }

  #remember(place: number, text: string, from: number, to: number, sink: PieceSink): void {
    const units = this.#units;
    const length = to - from;
    // A word has at most as many pieces as units.
    if (this.#used + 2 + 4 * length > UNITS) this.#forget();
    const at = this.#used;
    let next = at + 2;
    for (let i = from; i < to; i++) units[next++] = text.charCodeAt(i);
    const first = next;
    this.#model.encodeWord(text, from, to, (id, start, end) => {
      units[next++] = id & 0xffff;
      units[next++] = id >>> 16;
      units[next++] = end - from;
      sink(id, start, end);
    });
    units[at] = length;
    units[at + 1] = (next - first) / 3;
    this.#used = next;
    this.#places[place] = at;
  }

  #forget(): void {
    this.#places.fill(0);
    this.#used = 1;
  }
}

/** The upper bits of a product depend on all the lower ones. */
function placeOf(text: string, from: number, to: number): number {
  let hash = to - from;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
  return hash >>> (32 - PLACE_BITS);
}
