import {
  type DecodeOptions,
  type EncodeOptions,
  type Encoding,
  type EncodingWithOffsets,
  InvalidEncodeOptionsError,
  type Tokenizer,
  toWellFormed,
} from '@kimera/core';

/** Id of the one special token, which stands before every text. */
export const START = 0;

/** [START, code point + 1, …]: one token a Unicode code point. `ab` is [0, 98, 99]. */
export class CodePointTokenizer implements Tokenizer {
  readonly vocabularySize = 0x110001;

  encode(text: string, options: EncodeOptions): Encoding {
    const { ids, totalTokens, truncated } = this.encodeWithOffsets(text, options);
    return { ids, totalTokens, truncated };
  }

  encodeWithOffsets(
    text: string,
    { maxTokens, truncationSide = 'right', addSpecialTokens = true }: EncodeOptions,
  ): EncodingWithOffsets {
    const specials = addSpecialTokens ? 1 : 0;
    if (!Number.isInteger(maxTokens) || maxTokens < specials) throw new InvalidEncodeOptionsError(maxTokens, specials);
    const read = toWellFormed(text);
    const starts: number[] = [];
    for (let i = 0; i < read.length; i += widthAt(read, i)) starts.push(i);
    const kept = Math.min(starts.length, maxTokens - specials);
    const first = truncationSide === 'right' ? 0 : starts.length - kept;
    const [ids, from, to] = [
      new Int32Array(specials + kept),
      new Int32Array(specials + kept),
      new Int32Array(specials + kept),
    ];
    if (specials === 1) ids[0] = START;
    for (let i = 0; i < kept; i++) {
      const start = starts[first + i] ?? 0;
      ids[specials + i] = (read.codePointAt(start) ?? 0) + 1;
      from[specials + i] = start;
      to[specials + i] = start + widthAt(read, start);
    }
    return {
      ids,
      starts: from,
      ends: to,
      before: specials,
      after: 0,
      totalTokens: starts.length + specials,
      truncated: kept < starts.length,
    };
  }

  token(id: number): string | undefined {
    if (id === START) return '<start>';
    return Number.isInteger(id) && id > 0 && id < this.vocabularySize ? String.fromCodePoint(id - 1) : undefined;
  }

  isSpecial(id: number): boolean {
    return id === START;
  }

  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    return Array.from(ids, (id) => (skipSpecialTokens && this.isSpecial(id) ? '' : (this.token(id) ?? ''))).join('');
  }
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
