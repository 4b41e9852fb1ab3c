import type { JsonReader } from '../json/json-reader.js';
import { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';
import { graphemeEnd } from '../unicode/graphemes.js';
import { widthOf } from '../unicode/properties.js';

/**
 * Graphemes of this many UTF-8 bytes and more are mapped character by character (tokenizers 0.22,
 * normalizers/precompiled.rs).
 */
const WHOLE_GRAPHEME_BYTES = 6;
/** Bytes of a charsmap: the largest published (nmt_nfkc_cf) has about 0.3 MB. */
const MAX_CHARSMAP_BYTES = 16 << 20;

/**
 * SentencePiece's precompiled normalisation table, applied as Hugging Face does: grapheme by grapheme, the shortest
 * prefix in the trie wins and the rest of the grapheme is lost.
 */
export class PrecompiledCharsmap implements Normalizer {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #table = new Map<string, string | undefined>();
  readonly #encoder = new TextEncoder();
  readonly growth: number;

  /**
   * Base64 of: length of the trie in bytes (uint32), a Darts double-array trie of uint32 units, then NUL-terminated
   * UTF-8 replacements.
   */
  constructor(reader: JsonReader) {
    const base64 = reader.string();
    if (base64.length > MAX_CHARSMAP_BYTES)
      reader.fail(`${base64.length} characters, the limit is ${MAX_CHARSMAP_BYTES}`);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) reader.fail('not base64');
    const binary = atob(base64);
    // By loops: an iterator takes ten times as long, a tenth of a second for a table of the usual size.
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    if (bytes.length < 4) reader.fail(`${bytes.length} bytes, at least 4 are needed`);
    const trieBytes = view.getUint32(0, true);
    if (trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
      reader.fail(`the trie claims ${trieBytes} bytes, ${bytes.length - 4} are there`);
    this.#units = new Uint32Array(trieBytes / 4);
    for (let i = 0; i < this.#units.length; i++) this.#units[i] = view.getUint32(4 + i * 4, true);
    this.#replacements = bytes.subarray(4 + trieBytes);
    this.growth = longestText(this.#replacements);
  }

  normalize(source: MappedText): MappedText {
    const { text } = source;
    const out = new MappedText(source.tracking);
    for (let from = 0; from < text.length;) {
      const to = graphemeEnd(text, from);
      const whole = this.#grapheme(text, from, to);
      if (whole !== undefined) this.#push(whole, source, from, to, out);
      else {
        for (let i = from; i < to;) {
          const next = i + widthOf(text.codePointAt(i) as number);
          const character = text.slice(i, next);
          this.#push(this.#lookUp(character) ?? character, source, i, next, out);
          i = next;
        }
      }
      from = to;
    }
    return out;
  }

  #grapheme(text: string, from: number, to: number): string | undefined {
    if (to - from >= WHOLE_GRAPHEME_BYTES) return undefined;
    const grapheme = text.slice(from, to);
    return utf8Length(grapheme) < WHOLE_GRAPHEME_BYTES ? this.#lookUp(grapheme) : undefined;
  }

  /** What is dropped at the very start leaves its place to what follows: the library counts from there. */
  #push(piece: string, source: MappedText, from: number, to: number, out: MappedText): void {
    out.pushFrom(piece, source, out.text === '' ? 0 : from, to);
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

function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i) as number;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    i += widthOf(codePoint);
  }
  return bytes;
}

/** Bytes of the longest of some texts that end in NUL. */
function longestText(bytes: Uint8Array): number {
  let longest = 1;
  for (let from = 0; from < bytes.length;) {
    const nul = bytes.indexOf(0, from);
    const end = nul < 0 ? bytes.length : nul;
    longest = Math.max(longest, end - from);
    from = end + 1;
  }
  return longest;
}
