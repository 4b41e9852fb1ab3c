import { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';
import { widthOf } from '../unicode/properties.js';

/** Each code point becomes a text of its own, whatever stands beside it. What stays as it is goes in runs. */
export class CodePointMap implements Normalizer {
  readonly #changed = new Map<number, string>();
  /** [0x110000] 1 of the code points that are known to stay as they are. Made at the first use. */
  #same: Uint8Array | undefined;

  constructor(
    private readonly map: (codePoint: number) => string,
    readonly growth: number,
  ) {}

  normalize(source: MappedText): MappedText {
    const out = new MappedText(source.tracking);
    return this.append(source, 0, source.text.length, out) ? out : source;
  }

  /** Adds what becomes of [from, to) of a text to another. Returns whether any of it changes. */
  append(source: MappedText, from: number, to: number, out: MappedText): boolean {
    const { text } = source;
    const same = (this.#same ??= new Uint8Array(0x110000));
    let copied = from;
    for (let i = from; i < to;) {
      const codePoint = text.codePointAt(i) as number;
      const next = i + widthOf(codePoint);
      const mapped = same[codePoint] === 1 ? undefined : this.#change(codePoint, same);
      if (mapped !== undefined) {
        out.copy(source, copied, i);
        out.pushFrom(mapped, source, i, next);
        copied = next;
      }
      i = next;
    }
    out.copy(source, copied, to);
    return copied > from;
  }

  /** What a code point becomes, undefined where it stays as it is. */
  #change(codePoint: number, same: Uint8Array): string | undefined {
    const known = this.#changed.get(codePoint);
    if (known !== undefined) return known;
    const mapped = this.map(codePoint);
    if (mapped === String.fromCodePoint(codePoint)) {
      same[codePoint] = 1;
      return undefined;
    }
    this.#changed.set(codePoint, mapped);
    return mapped;
  }
}
