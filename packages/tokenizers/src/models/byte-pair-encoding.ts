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

/** Ids are below this, so that a pair of them is one number. */
const PAIR = 2 ** 21;
/** Words that are remembered, and the longest of them in UTF-16 units. */
const CACHED_WORDS = 20_000;
const CACHED_UNITS = 64;

interface Pieces {
  readonly ids: readonly number[];
  /** UTF-16 units of each. */
  readonly lengths: readonly number[];
}

/**
 * Byte-pair encoding: of the pairs of neighbours that the list of merges holds, the most urgent becomes one piece, the
 * leftmost first, until none is left. n log n in the length of a word.
 */
export class BytePairEncoding implements PieceModel {
  readonly #options: BytePairEncodingOptions;
  /** Pair → place in the list. */
  readonly #ranks = new Map<number, number>();
  readonly #cache = new Map<string, Pieces>();

  constructor(options: BytePairEncodingOptions) {
    this.#options = options;
    options.merges.forEach(({ left, right }, rank) => this.#ranks.set(left * PAIR + right, rank));
  }

  encodeWord(text: string, from: number, to: number, sink: PieceSink): void {
    const word = text.slice(from, to);
    const whole = this.#options.ignoreMerges ? this.#options.vocabulary.get(word) : undefined;
    if (whole !== undefined) {
      sink(whole, from, to);
      return;
    }
    const { ids, lengths } = this.#pieces(word);
    let at = from;
    ids.forEach((id, i) => {
      const end = at + (lengths[i] as number);
      sink(id, at, end);
      at = end;
    });
  }

  #pieces(word: string): Pieces {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const pieces = this.#merge(this.#characters(word));
    if (word.length <= CACHED_UNITS) {
      if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
      this.#cache.set(word, pieces);
    }
    return pieces;
  }

  #characters(word: string): { readonly ids: number[]; readonly lengths: number[] } {
    const { vocabulary, unknownId, fuseUnknown, continuingPrefix, endSuffix } = this.#options;
    const ids: number[] = [];
    const lengths: number[] = [];
    let unknown = false;
    for (let i = 0; i < word.length;) {
      const width = widthOf(word.codePointAt(i) as number);
      const character = word.slice(i, i + width);
      const last = i + width === word.length;
      const id = vocabulary.get(`${i === 0 ? '' : continuingPrefix}${character}${last ? endSuffix : ''}`);
      i += width;
      // The last unknown piece is wider, where they are fused: a known character or the end of the word closes it.
      if (id === undefined && unknown && fuseUnknown) lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + width;
      else if (id !== undefined || unknownId !== undefined) {
        ids.push(id ?? (unknownId as number));
        lengths.push(width);
      }
      unknown = id === undefined && unknownId !== undefined;
    }
    return { ids, lengths };
  }

  #merge({ ids, lengths }: { readonly ids: number[]; readonly lengths: number[] }): Pieces {
    const { merges } = this.#options;
    const count = ids.length;
    const next = Int32Array.from(ids, (_, i) => (i + 1 < count ? i + 1 : -1));
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const queue = new MergeQueue();
    const rankAt = (position: number): number | undefined => {
      const right = next[position] as number;
      return right < 0 ? undefined : this.#ranks.get((ids[position] as number) * PAIR + (ids[right] as number));
    };
    const offer = (position: number): void => {
      const rank = rankAt(position);
      if (rank !== undefined) queue.push(rank, position);
    };
    for (let i = 0; i + 1 < count; i++) offer(i);
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const { rank, position } = top;
      if (lengths[position] === 0) continue;
      const merged = (merges[rank] as Merge).merged;
      // Another merge came first; one to the same piece is as good (tokenizers 0.22 models/bpe/word.rs).
      const now = rankAt(position);
      if (now === undefined || (merges[now] as Merge).merged !== merged) continue;
      const right = next[position] as number;
      ids[position] = merged;
      lengths[position] = (lengths[position] as number) + (lengths[right] as number);
      lengths[right] = 0;
      const after = next[right] as number;
      next[position] = after;
      if (after >= 0) previous[after] = position;
      if ((previous[position] as number) >= 0) offer(previous[position] as number);
      offer(position);
    }
    const kept = ids.flatMap((id, i) => (lengths[i] === 0 ? [] : [id]));
    return { ids: kept, lengths: lengths.filter((length) => length > 0) };
  }
}
