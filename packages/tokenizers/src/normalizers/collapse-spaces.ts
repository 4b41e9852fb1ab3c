import { MappedText } from '../mapped-text.js';
import type { Normalizer } from './normalizer.js';

/** Another normaliser followed by `Replace` of the pattern ` {2,}` with one space: the only pattern that XLM-R tokenizers carry. */
export class CollapseSpaces implements Normalizer {
  constructor(private readonly inner: Normalizer) {}

  normalize(text: string, offset: number, out: MappedText): void {
    const mapped = new MappedText(out.starts === undefined ? 'none' : 'offsets');
    this.inner.normalize(text, offset, mapped);
    let from = 0;
    for (const match of mapped.text.matchAll(/ {2,}/g)) {
      this.#copy(mapped, from, match.index, out);
      const [start, end] = mapped.range(match.index, match.index + match[0].length);
      out.push(' ', start, end);
      from = match.index + match[0].length;
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
