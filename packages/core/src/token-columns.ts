import type { EncodeOptions, TokenColumns, Tokenizer } from './ports/tokenizer.js';
import { toWellFormed } from './text.js';

/** A token of a text. */
export interface DetailedToken {
  readonly id: number;
  /** What it stands for in the text; of a special token around it, its piece. */
  readonly text: string;
  /** Put around the text by the tokenizer. A special token that stands in the text itself is not. */
  readonly special: boolean;
  /** UTF-8 bytes of the text before it, and up to its end; null of a special token around the text. */
  readonly start: number | null;
  readonly stop: number | null;
}

/** The tokens of a text, uncut. */
export function tokenColumns(
  tokenizer: Tokenizer,
  raw: string,
  { addSpecialTokens = true }: Pick<EncodeOptions, 'addSpecialTokens'> = {},
): TokenColumns {
  const text = toWellFormed(raw);
  const encoding = tokenizer.encodeWithOffsets(text, { maxTokens: Number.MAX_SAFE_INTEGER, addSpecialTokens });
  const { ids, starts, ends, before, after } = encoding;
  const pieces = (part: Int32Array): readonly string[] => Array.from(part, (id) => tokenizer.token(id) ?? '');
  return {
    text,
    ids,
    starts,
    stops: ends,
    before: pieces(ids.subarray(0, before)),
    after: pieces(ids.subarray(ids.length - after)),
  };
}

/**
 * The tokens one by one, as text-embeddings-inference 1.9 gives them (`POST /tokenize`). In slices of them a caller
 * gets through a long text without holding its thread.
 */
export function* detailedTokens({ text, ids, starts, stops, before, after }: TokenColumns): Generator<DetailedToken> {
  const bytes = bytesBefore(text);
  const last = ids.length - after.length;
  for (const [i, id] of ids.entries()) {
    const piece = i < before.length ? before[i] : after[i - last];
    if (piece !== undefined) {
      yield { id, text: piece, special: true, start: null, stop: null };
      continue;
    }
    const [start = 0, stop = 0] = [starts[i], stops[i]];
    yield { id, text: text.slice(start, stop), special: false, start: bytes[start] ?? 0, stop: bytes[stop] ?? 0 };
  }
}

/** UTF-8 bytes before each UTF-16 unit, and before the end. Half of a pair counts two of its four. */
function bytesBefore(text: string): Int32Array {
  const counts = new Int32Array(text.length + 1);
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
    counts[i + 1] = bytes;
  }
  return counts;
}
