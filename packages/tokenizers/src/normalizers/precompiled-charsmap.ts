import type { JsonReader } from '../json/json-reader.js';
import type { MappedText } from '../mapped-text.js';
import { graphemes } from './graphemes.js';
import type { Normalizer } from '../stages.js';

/**
 * Graphemes of this many UTF-8 bytes and more are mapped character by character (tokenizers 0.22,
 * normalizers/precompiled.rs).
 */
const WHOLE_GRAPHEME_BYTES = 6;
/** Bytes of a charsmap: the largest published (nmt_nfkc_cf) has about 0.3 MB. */
const MAX_CHARSMAP_BYTES = 16 << 20;

/**
 * Code points that may join a neighbour into one grapheme; between two others there is always a boundary. Runs with
 * such code points are segmented, the rest is not. Sequences that only join to graphemes of 6 bytes and more (jamo,
 * flags, emoji) need no place here.
 */
const JOINING =
  '\\p{M}\\p{Gr_Ext}\\p{Cf}\\p{Emoji_Modifier}\\r\\n\\u0E33\\u0EB3\\u0D4E\\u{111C2}\\u{111C3}\\u{1193F}\\u{11941}\\u{11A3A}\\u{11A84}-\\u{11A89}\\u{11D46}\\u{11F02}';
const RUN = new RegExp(`[^${JOINING}]?[${JOINING}]+(?:[^${JOINING}][${JOINING}]+)*[^${JOINING}]?`, 'gu');

/**
 * SentencePiece's precompiled normalisation table, applied as Hugging Face does: grapheme by grapheme, the shortest
 * prefix in the trie wins and the rest of the grapheme is lost.
 */
export class PrecompiledCharsmap implements Normalizer {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #table = new Map<string, string | undefined>();
  readonly #encoder = new TextEncoder();

  /**
   * Base64 of: length of the trie in bytes (uint32), a Darts double-array trie of uint32 units, then NUL-terminated
   * UTF-8 replacements.
   */
  constructor(reader: JsonReader) {
    const base64 = reader.string();
    if (base64.length > MAX_CHARSMAP_BYTES)
      reader.fail(`${base64.length} characters, the limit is ${MAX_CHARSMAP_BYTES}`);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) reader.fail('not base64');
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    if (bytes.length < 4) reader.fail(`${bytes.length} bytes, at least 4 are needed`);
    const trieBytes = view.getUint32(0, true);
    if (trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
      reader.fail(`the trie claims ${trieBytes} bytes, ${bytes.length - 4} are there`);
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + i * 4, true));
    this.#replacements = bytes.subarray(4 + trieBytes);
  }

  normalize(text: string, offset: number, out: MappedText): void {
    let from = 0;
    for (const match of text.matchAll(RUN)) {
      this.#characters(text, from, match.index, offset, out);
      for (const [start, end] of graphemes(match[0]))
        this.#grapheme(match[0].slice(start, end), match.index + start, offset, out);
      from = match.index + match[0].length;
    }
    this.#characters(text, from, text.length, offset, out);
  }

  #grapheme(grapheme: string, start: number, offset: number, out: MappedText): void {
    const whole =
      grapheme.length < WHOLE_GRAPHEME_BYTES && this.#encoder.encode(grapheme).length < WHOLE_GRAPHEME_BYTES
        ? this.#lookUp(grapheme)
        : undefined;
    if (whole === undefined) this.#characters(grapheme, 0, grapheme.length, offset + start, out);
    else out.push(whole, offset + start, offset + start + grapheme.length);
  }

  #characters(text: string, from: number, to: number, offset: number, out: MappedText): void {
    for (let i = from; i < to;) {
      const length = (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
      const character = text.slice(i, i + length);
      out.push(this.#lookUp(character) ?? character, offset + i, offset + i + length);
      i += length;
    }
  }

  #lookUp(key: string): string | undefined {
    const known = this.#table.get(key);
    if (known !== undefined || this.#table.has(key)) return known;
    const found = this.#search(this.#encoder.encode(key));
    if (this.#table.size < 100_000) this.#table.set(key, found);
    return found;
  }

  /** Darts-clone's commonPrefixSearch, first result. Units beyond the array end the walk. */
  #search(key: Uint8Array): string | undefined {
    let position = 0;
    let unit = this.#units[0];
    if (unit === undefined) return undefined;
    position ^= unitOffset(unit);
    for (const byte of key) {
      if (byte === 0) return undefined;
      position ^= byte;
      unit = this.#units[position];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
      position ^= unitOffset(unit);
      if (((unit >>> 8) & 1) === 1) {
        const leaf = this.#units[position];
        return leaf === undefined ? undefined : this.#replacement(leaf & 0x7fffffff);
      }
    }
    return undefined;
  }

  #replacement(start: number): string | undefined {
    if (start >= this.#replacements.length) return undefined;
    const end = this.#replacements.indexOf(0, start);
    return new TextDecoder().decode(this.#replacements.subarray(start, end < 0 ? this.#replacements.length : end));
  }
}

function unitOffset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
