import {
  type EncodeOptions,
  type Encoding,
  type EncodingWithOffsets,
  InvalidEncodeOptionsError,
  type Tokenizer,
  toWellFormed,
} from '@kimera/core';
import type { AddedTokens } from './added-tokens.js';
import type { Decoder } from './decoders.js';
import { Int32List } from './int32-list.js';
import { MappedText } from './mapped-text.js';
import type { Normalizer, PieceModel, PreTokenizer } from './stages.js';

export interface TokenizerParts {
  /** Piece by id. */
  readonly pieces: readonly (string | undefined)[];
  /** Recognised in the text as it is. */
  readonly addedTokens: AddedTokens;
  /** Recognised in the normalised text. */
  readonly normalizedTokens: AddedTokens;
  readonly normalizer: Normalizer;
  readonly preTokenizer: PreTokenizer;
  readonly model: PieceModel;
  /** Special ids before and after the text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly decoder: Decoder;
}

interface Collected {
  readonly ids: Int32List;
  readonly starts: Int32List;
  readonly ends: Int32List;
}

/**
 * The pipeline of a tokenizer.json: added tokens → normaliser → normalised added tokens → pre-tokenizer → model →
 * special tokens.
 */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly #parts: TokenizerParts;
  readonly #special: ReadonlySet<number>;

  constructor(parts: TokenizerParts) {
    this.#parts = parts;
    this.#special = new Set(
      [...parts.addedTokens.tokens, ...parts.normalizedTokens.tokens]
        .filter((token) => token.special)
        .map((token) => token.id),
    );
  }

  get vocabularySize(): number {
    return this.#parts.pieces.length;
  }

  encode(text: string, options: EncodeOptions): Encoding {
    const collected = this.#collect(text, 'none');
    const { from, to, prefix, suffix, ...rest } = this.#cut(collected.ids.length, options);
    return { ids: join(prefix, collected.ids.slice(from, to), suffix), ...rest };
  }

  encodeWithOffsets(text: string, options: EncodeOptions): EncodingWithOffsets {
    const collected = this.#collect(text, 'offsets');
    const { from, to, prefix, suffix, ...rest } = this.#cut(collected.ids.length, options);
    const none = (ids: readonly number[]): readonly number[] => ids.map(() => 0);
    return {
      ids: join(prefix, collected.ids.slice(from, to), suffix),
      starts: join(none(prefix), collected.starts.slice(from, to), none(suffix)),
      ends: join(none(prefix), collected.ends.slice(from, to), none(suffix)),
      ...rest,
    };
  }

  token(id: number): string | undefined {
    return this.#parts.pieces[id];
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: { readonly skipSpecialTokens?: boolean } = {}): string {
    const pieces = Array.from(ids).filter((id) => !(skipSpecialTokens && this.#special.has(id)));
    return this.#parts.decoder(pieces.flatMap((id) => this.#parts.pieces[id] ?? []));
  }

  #collect(raw: string, tracking: 'offsets' | 'none'): Collected {
    const text = toWellFormed(raw);
    const { addedTokens, normalizedTokens, normalizer, preTokenizer, model } = this.#parts;
    const collected = { ids: new Int32List(), starts: new Int32List(), ends: new Int32List() };
    const push = (id: number, from: number, to: number): void => {
      collected.ids.push(id);
      if (tracking === 'none') return;
      collected.starts.push(from);
      collected.ends.push(to);
    };
    for (const { token, from, to } of addedTokens.segments(text)) {
      if (token !== undefined) {
        push(token.id, from, to);
        continue;
      }
      const mapped = new MappedText(tracking);
      normalizer.normalize(text.slice(from, to), from, mapped);
      for (const part of normalizedTokens.segments(mapped.text)) {
        if (part.token !== undefined) {
          push(part.token.id, ...mapped.range(part.from, part.to));
          continue;
        }
        preTokenizer.split(mapped.slice(part.from, part.to), (word, first, last) => {
          model.encodeWord(word.text, first, last, (id, start, end) => push(id, ...word.range(start, end)));
        });
      }
    }
    return collected;
  }

  #cut(length: number, { maxTokens, truncationSide = 'right', addSpecialTokens = true }: EncodeOptions) {
    const prefix = addSpecialTokens ? this.#parts.prefix : [];
    const suffix = addSpecialTokens ? this.#parts.suffix : [];
    const specials = prefix.length + suffix.length;
    if (!Number.isInteger(maxTokens) || maxTokens < specials) throw new InvalidEncodeOptionsError(maxTokens, specials);
    const kept = Math.min(length, maxTokens - specials);
    const from = truncationSide === 'right' ? 0 : length - kept;
    return { from, to: from + kept, prefix, suffix, totalTokens: length + specials, truncated: kept < length };
  }
}

function join(prefix: readonly number[], middle: Int32Array, suffix: readonly number[]): Int32Array {
  const joined = new Int32Array(prefix.length + middle.length + suffix.length);
  joined.set(prefix);
  joined.set(middle, prefix.length);
  joined.set(suffix, prefix.length + middle.length);
  return joined;
}
