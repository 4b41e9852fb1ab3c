import { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';

/**
 * Another normaliser, after which every match of a pattern is replaced: `Replace` and `Strip` of the tokenizers
 * library.
 */
export class ReplaceMatches implements Normalizer {
  /** @param pattern with the flag `g`. @param replacement of a match. */
  constructor(
    private readonly inner: Normalizer,
    private readonly pattern: RegExp,
    private readonly replacement: (match: string) => string,
  ) {}

  normalize(text: string, offset: number, out: MappedText): void {
    const mapped = new MappedText(out.starts === undefined ? 'none' : 'offsets');
    this.inner.normalize(text, offset, mapped);
    let from = 0;
    for (const match of mapped.text.matchAll(this.pattern)) {
      const to = match.index + match[0].length;
      this.#copy(mapped, from, match.index, out);
      const [start, end] = mapped.range(match.index, to);
      out.push(this.replacement(match[0]), start, end);
      from = to;
    }
    this.#copy(mapped, from, mapped.text.length, out);
  }

  #copy(mapped: MappedText, from: number, to: number, out: MappedText): void {
    if (out.starts === undefined) {
      out.push(mapped.text.slice(from, to), 0, 0);
      return;
    }
    for (let i = from; i < to; i++) {
      const [start, end] = mapped.range(i, i + 1);
      out.push(mapped.text[i] as string, start, end);
    }
  }
}
