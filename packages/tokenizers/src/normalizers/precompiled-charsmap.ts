import type { JsonReader } from '../json/json-reader.js';
import { Int32List } from '../int32-list.js';
import { MappedText } from '../mapped-text.js';
import type { Normalizer } from '../stages.js';
import { graphemeEnd, standsAlone } from '../unicode/graphemes.js';
import { widthOf } from '../unicode/properties.js';

/**
 * Graphemes of this many UTF-8 bytes and more are mapped character by character (tokenizers 0.22,
 * normalizers/precompiled.rs).
 */
const WHOLE_GRAPHEME_BYTES = 6;
/** Bytes of a charsmap: the largest published (nmt_nfkc_cf) has about 0.3 MB. */
const MAX_CHARSMAP_BYTES = 16 << 20;

/** What is known of a UTF-16 unit: whether it is a character that may stand alone and stays as it is. */
const UNKNOWN = 0;
const SAME = 1;
const OTHER = 2;

/**
 * SentencePiece's precompiled normalisation table, applied as Hugging Face does: grapheme by grapheme, the shortest
 * prefix in the trie wins and the rest of the grapheme is lost.
 */
export class PrecompiledCharsmap implements Normalizer {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #table = new Map<string, string | undefined>();
  /** [0x10000] by UTF-16 unit. */
  readonly #alone = new Uint8Array(0x10000);
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
    const out = new Replaced(source);
    let changed = false;
    for (let from = 0; from < text.length;) {
      const same = this.#endOfSame(text, from);
      out.copy(from, same);
      if (same === text.length) break;
      from = graphemeEnd(text, same);
      changed = this.#rewrite(text, same, from, out) || changed;
    }
    return changed ? out.finish() : source;
  }

  /** The end of the run from `at` on of characters that are graphemes of their own and stay as they are. */
  #endOfSame(text: string, at: number): number {
    const known = this.#alone;
    let i = at;
    while (i < text.length) {
      const unit = text.charCodeAt(i);
      if (known[unit] === UNKNOWN) known[unit] = this.#kindOf(unit);
      if (known[unit] !== SAME) break;
      i += 1;
    }
    // What comes next may join the last of them.
    return i < text.length && i > at ? i - 1 : i;
  }

  #kindOf(unit: number): number {
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    return !surrogate && standsAlone(unit) && this.#lookUp(String.fromCharCode(unit)) === undefined ? SAME : OTHER;
  }

  /** Rewrites a grapheme. Returns whether it changes. */
  #rewrite(text: string, from: number, to: number, out: Replaced): boolean {
    const whole = this.#grapheme(text, from, to);
    if (whole !== undefined) {
      out.push(whole, from, to);
      return true;
    }
    let changed = false;
    for (let i = from; i < to;) {
      const next = i + widthOf(text.codePointAt(i) as number);
      const character = text.slice(i, next);
      const replacement = this.#lookUp(character);
      out.push(replacement ?? character, i, next);
      if (replacement !== undefined) changed = true;
      i = next;
    }
    return changed;
  }

  #grapheme(text: string, from: number, to: number): string | undefined {
    if (to - from >= WHOLE_GRAPHEME_BYTES) return undefined;
    const grapheme = text.slice(from, to);
    return utf8Length(grapheme) < WHOLE_GRAPHEME_BYTES ? this.#lookUp(grapheme) : undefined;
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

/**
 * A text whose parts are replaced, with places as the library counts them, character by character (tokenizers 0.22,
 * normalizers/precompiled.rs `replace`, then `NormalizedString::transform`). What a replacement has more stands where
 * the character before it stands, what it has fewer is skipped. What is dropped counts for the character before it: one
 * that had no place of its own gets that of what was dropped. At the very start nothing stands before it, and all that
 * follows is shifted.
 */
class Replaced {
  readonly #source: MappedText;
  #text = '';
  /** Of each character: 1 where it has no place of its own, -n where n characters of the source after it are skipped. */
  readonly #changes: Int32List | undefined;

  constructor(source: MappedText) {
    this.#source = source;
    if (source.tracking === 'offsets') this.#changes = new Int32List();
  }

  /** `piece` stands for [from, to) of the source. */
  push(piece: string, from: number, to: number): void {
    this.#text += piece;
    if (this.#changes === undefined) return;
    const [old, now] = [characters(this.#source.text, from, to), characters(piece, 0, piece.length)];
    for (let i = 0; i < now; i++) this.#changes.push(i < old ? 0 : 1);
    const last = this.#changes.length - 1;
    if (now < old && last >= 0) this.#changes.set(last, this.#changes.at(last) + now - old);
  }

  /** [from, to) of the source stays as it is. */
  copy(from: number, to: number): void {
    if (from === to) return;
    this.#text += this.#source.text.slice(from, to);
    if (this.#changes === undefined) return;
    for (let left = characters(this.#source.text, from, to); left > 0; left -= 1) this.#changes.push(0);
  }

  finish(): MappedText {
    const { tracking, text } = this.#source;
    const out = new MappedText(tracking);
    if (this.#changes === undefined) {
      out.text = this.#text;
      return out;
    }
    let at = 0;
    let place: readonly [number, number] = [0, 0];
    const pass = (): readonly [number, number] => {
      const from = at;
      at += widthOf(text.codePointAt(at) ?? 0);
      return this.#source.range(from, at);
    };
    let index = 0;
    for (const character of this.#text) {
      const change = this.#changes.at(index++);
      if (change <= 0) place = pass();
      for (let skipped = change; skipped < 0; skipped++) pass();
      out.push(character, ...place);
    }
    return out;
  }
}

/** Code points of [from, to) of a text. */
function characters(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i += widthOf(text.codePointAt(i) as number)) count += 1;
  return count;
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
