import { Int32List } from '../int32-list.js';
import { PairTable } from '../pair-table.js';
import type { PieceModel, PieceSink } from '../stages.js';
import { widthOf } from '../unicode/properties.js';
import { MergeQueue } from './merge-queue.js';

export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly merged: number;
}

export interface BytePairEncodingOptions {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The most urgent first. */
  readonly merges: readonly Merge[];
  /** For characters that are not in the vocabulary; without it they are dropped. */
  readonly unknownId: number | undefined;
  /** Neighbouring unknown characters are one token. */
  readonly fuseUnknown: boolean;
  /** A word of the vocabulary is its own token, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** Before every character of a word but the first. */
  readonly continuingPrefix: string;
  /** After the last character of a word. */
  readonly endSuffix: string;
}

/**
 * Byte-pair encoding: of the pairs of neighbours that the list of merges holds, the most urgent becomes one piece, the
 * leftmost first, until none is left. n log n in the length of a word.
 */
export class BytePairEncoding implements PieceModel {
  readonly #options: BytePairEncodingOptions;
  /** Pair → place in the list, and what it becomes. */
  readonly #merges = new PairTable();
  readonly #queue = new MergeQueue();
  /**
   * The pieces of the word at hand, at first its characters: id, UTF-16 units (0 where it was merged into one before it),
   * and the neighbours, -1 where there is none.
   */
  readonly #ids = new Int32List();
  readonly #lengths = new Int32List();
  readonly #next = new Int32List();
  readonly #previous = new Int32List();

  constructor(options: BytePairEncodingOptions) {
    this.#options = options;
    options.merges.forEach(({ left, right, merged }, rank) => this.#merges.set(left, right, rank, merged));
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    const word = text.slice(from, to);
    const whole = this.#options.ignoreMerges ? this.#options.vocabulary.get(word) : undefined;
    if (whole !== undefined) {
      sink(whole, from, to);
      return;
    }
    this.#readCharacters(word);
    this.#merge();
    let at = from;
    for (let i = 0; i < this.#ids.length; i++) {
      const end = at + this.#lengths.at(i);
      if (end > at) sink(this.#ids.at(i), at, end);
      at = end;
    }
  }

  #readCharacters(word: string): void {
    const { vocabulary, unknownId, fuseUnknown, continuingPrefix, endSuffix } = this.#options;
    const ids = this.#ids;
    const lengths = this.#lengths;
    ids.clear();
    lengths.clear();
    let unknown = false;
    for (let i = 0; i < word.length;) {
      const width = widthOf(word.codePointAt(i) as number);
      const character = word.slice(i, i + width);
      const last = i + width === word.length;
      const id = vocabulary.get(`${i === 0 ? '' : continuingPrefix}${character}${last ? endSuffix : ''}`);
      i += width;
      // The last unknown piece is wider, where they are fused: a known character or the end of the word closes it.
      if (id === undefined && unknown && fuseUnknown)
        lengths.set(lengths.length - 1, lengths.at(lengths.length - 1) + width);
      else if (id !== undefined || unknownId !== undefined) {
        ids.push(id ?? (unknownId as number));
        lengths.push(width);
      }
      unknown = id === undefined && unknownId !== undefined;
    }
  }

  #merge(): void {
    const { merges } = this.#options;
    const queue = this.#queue;
    const ids = this.#ids;
    const lengths = this.#lengths;
    const next = this.#next;
    const previous = this.#previous;
    next.clear();
    previous.clear();
    for (let i = 0; i < ids.length; i++) {
      previous.push(i - 1);
      next.push(i + 1 < ids.length ? i + 1 : -1);
    }
    for (let i = 0; i < ids.length; i++) this.#offer(i);
    while (queue.pop()) {
      const { rank, position } = queue;
      if (lengths.at(position) === 0) continue;
      const { merged } = merges[rank] as Merge;
      // Another merge came first; one to the same piece is as good (tokenizers 0.22 models/bpe/word.rs).
      const now = this.#mergeAt(position);
      if (now < 0 || this.#merges.second(now) !== merged) continue;
      const right = next.at(position);
      ids.set(position, merged);
      lengths.set(position, lengths.at(position) + lengths.at(right));
      lengths.set(right, 0);
      const after = next.at(right);
      next.set(position, after);
      if (after >= 0) previous.set(after, position);
      if (previous.at(position) >= 0) this.#offer(previous.at(position));
      this.#offer(position);
    }
  }

  /** The entry of the piece at a position and the next one, -1 where they are not to be merged. */
  #mergeAt(position: number): number {
    const right = this.#next.at(position);
    return right < 0 ? -1 : this.#merges.find(this.#ids.at(position), this.#ids.at(right));
  }

  #offer(position: number): void {
    const merge = this.#mergeAt(position);
    if (merge >= 0) this.#queue.push(this.#merges.first(merge), position);
  }
}
