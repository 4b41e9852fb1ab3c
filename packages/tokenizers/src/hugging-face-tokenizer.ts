import {
  type DecodeOptions,
  type EncodeOptions,
  type Encoding,
  type EncodingWithOffsets,
  InvalidEncodeOptionsError,
  type Tokenizer,
  toWellFormed,
} from '@kimera/core';
import type { AddedToken, AddedTokens } from './added-tokens.js';
import type { Decoder } from './decoders.js';
import { Int32List } from './int32-list.js';
import { MappedText } from './mapped-text.js';
import type { OffsetTrim, PostProcessor } from './post-processor.js';
import { BYTE_CHARACTERS } from './pre-tokenizers/byte-level.js';
import type { Normalizer, PieceModel, PieceSink, PreTokenizer, WordSink } from './stages.js';
import { hasProperty, WHITE_SPACE, widthOf } from './unicode/properties.js';

/** What stands for a space among the characters of bytes: Ġ. */
const SPACE_BYTE = BYTE_CHARACTERS[0x20];

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
  readonly postProcessor: PostProcessor;
  readonly decoder: Decoder;
}

interface Collected {
  readonly ids: Int32List;
  readonly starts: Int32List;
  readonly ends: Int32List;
  /** What stands in the text for an added token, by its place: with the white space that it takes. */
  readonly added: Map<number, string>;
}

/** Receives an added token, which stands at [from, to) of a text. */
type AddedTokenSink = (token: AddedToken, text: MappedText, from: number, to: number) => void;

/**
 * The pipeline of a tokenizer.json: added tokens → normaliser → normalised added tokens → pre-tokenizer → model →
 * special tokens.
 */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly #parts: TokenizerParts;
  readonly #special: ReadonlySet<number>;
  /** The ids of the text at hand. */
  readonly #ids = new Int32List();

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
    const { model, preTokenizer } = this.#parts;
    const ids = this.#ids;
    ids.clear();
    const push: PieceSink = (id) => ids.push(id);
    this.#split(
      toWellFormed(text),
      preTokenizer.needsOffsets ? 'offsets' : 'none',
      (token) => ids.push(token.id),
      (word, from, to) => model.encodeWord(word.text, from, to, push),
    );
    const { from, to, prefix, suffix, ...rest } = this.#cut(ids.length, options);
    return { ids: join(prefix, ids.slice(from, to), suffix), ...rest };
  }

  encodeWithOffsets(raw: string, options: EncodeOptions): EncodingWithOffsets {
    const text = toWellFormed(raw);
    const collected = this.#collect(text);
    const { from, to, prefix, suffix, ...rest } = this.#cut(collected.ids.length, options);
    const none = (ids: readonly number[]): readonly number[] => ids.map(() => 0);
    const [starts, ends] = [collected.starts.slice(from, to), collected.ends.slice(from, to)];
    for (const trim of this.#parts.postProcessor.trims) {
      for (let i = from; i < to; i++) {
        const piece = collected.added.get(i) ?? this.#parts.pieces[collected.ids.at(i)] ?? '';
        trimOffsets(text, piece, i - from, starts, ends, trim);
      }
    }
    return {
      ids: join(prefix, collected.ids.slice(from, to), suffix),
      starts: join(none(prefix), starts, none(suffix)),
      ends: join(none(prefix), ends, none(suffix)),
      before: prefix.length,
      after: suffix.length,
      ...rest,
    };
  }

  token(id: number): string | undefined {
    return this.#parts.pieces[id];
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    const pieces = Array.from(ids).filter((id) => !(skipSpecialTokens && this.#special.has(id)));
    return this.#parts.decoder(pieces.flatMap((id) => this.#parts.pieces[id] ?? []));
  }

  /** The tokens of a text, which is well-formed, with the ranges of it behind them. */
  #collect(text: string): Collected {
    const { model } = this.#parts;
    const collected = {
      ids: new Int32List(),
      starts: new Int32List(),
      ends: new Int32List(),
      added: new Map<number, string>(),
    };
    const push = (id: number, source: MappedText, from: number, to: number): void => {
      const [start, end] = source.range(from, to);
      collected.ids.push(id);
      collected.starts.push(start);
      collected.ends.push(end);
    };
    this.#split(
      text,
      'offsets',
      (token, source, from, to) => {
        collected.added.set(collected.ids.length, source.text.slice(from, to));
        push(token.id, source, from, to);
      },
      (word, first, last) => model.encodeWord(word.text, first, last, (id, from, to) => push(id, word, from, to)),
    );
    return collected;
  }

  /** Cuts a text, which is well-formed, at its added tokens, and what stands between them into words. */
  #split(text: string, tracking: 'offsets' | 'none', addedToken: AddedTokenSink, word: WordSink): void {
    const { addedTokens, normalizedTokens, normalizer, preTokenizer } = this.#parts;
    for (const { token, from, to } of addedTokens.segments(text)) {
      const source = MappedText.of(text.slice(from, to), from, tracking);
      if (token !== undefined) {
        addedToken(token, source, 0, to - from);
        continue;
      }
      const normalized = normalizer.normalize(source);
      for (const part of normalizedTokens.segments(normalized.text)) {
        if (part.token !== undefined) addedToken(part.token, normalized, part.from, part.to);
        else preTokenizer.split(normalized.slice(part.from, part.to), word);
      }
    }
  }

  #cut(length: number, { maxTokens, truncationSide = 'right', addSpecialTokens = true }: EncodeOptions) {
    const prefix = addSpecialTokens ? this.#parts.postProcessor.prefix : [];
    const suffix = addSpecialTokens ? this.#parts.postProcessor.suffix : [];
    const specials = prefix.length + suffix.length;
    if (!Number.isInteger(maxTokens) || maxTokens < specials) throw new InvalidEncodeOptionsError(maxTokens, specials);
    const kept = Math.min(length, maxTokens - specials);
    const from = truncationSide === 'right' ? 0 : length - kept;
    return { from, to: from + kept, prefix, suffix, totalTokens: length + specials, truncated: kept < length };
  }
}

/** Takes the white space of a piece off its range; code points are counted, as the library does. */
function trimOffsets(
  text: string,
  piece: string,
  index: number,
  starts: Int32Array,
  ends: Int32Array,
  { addPrefixSpace }: OffsetTrim,
): void {
  let start = starts[index] as number;
  let end = ends[index] as number;
  const isSpace = (character: string): boolean =>
    character === SPACE_BYTE || hasProperty(character.charCodeAt(0), WHITE_SPACE);
  const characters = Array.from(piece);
  const body = characters.findIndex((character) => !isSpace(character));
  let leading = body < 0 ? characters.length : body;
  let trailing =
    body < 0 ? characters.length : characters.length - 1 - characters.findLastIndex((one) => !isSpace(one));
  if ((index === 0 || start === 0) && addPrefixSpace && leading === 1) leading = 0;
  for (; leading > 0 && start < end; leading -= 1) start += widthOf(text.codePointAt(start) as number);
  for (; trailing > 0 && end > start; trailing -= 1)
    end -= end >= 2 && (text.codePointAt(end - 2) as number) > 0xffff ? 2 : 1;
  starts[index] = start;
  ends[index] = end;
}

/** By loops: for the few tokens of a short text `set` takes longer. */
function join(prefix: readonly number[], middle: Int32Array, suffix: readonly number[]): Int32Array {
  const joined = new Int32Array(prefix.length + middle.length + suffix.length);
  let at = 0;
  for (const id of prefix) joined[at++] = id;
  for (const id of middle) joined[at++] = id;
  for (const id of suffix) joined[at++] = id;
  return joined;
}
