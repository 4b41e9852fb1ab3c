import { MappedText } from '../mapped-text.js';
import { CodePointMap } from '../normalizers/code-point-map.js';
import type { Delimiters, PreTokenizer } from '../stages.js';
import { endOfRun, hasProperty, LETTER, NUMBER, SPACE, widthOf } from '../unicode/properties.js';

/**
 * The character of each byte (GPT-2 encoder.py `bytes_to_unicode`): printable ones of Latin-1 stand for themselves, the
 * others for U+0100 and on.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): readonly string[] {
  let other = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : other++);
  });
}

export interface ByteLevelOptions {
  readonly addPrefixSpace: boolean;
  /** Words as the pattern of GPT-2 cuts them; otherwise the whole text is one word. */
  readonly useRegex: boolean;
}

/** Text as the characters of its UTF-8 bytes, which all stand where their code point stands. */
export function byteLevel({ addPrefixSpace, useRegex }: ByteLevelOptions): PreTokenizer {
  return {
    split(source, sink) {
      const spaced = addPrefixSpace ? withPrefixSpace(source) : source;
      const words = useRegex ? gpt2Words : wholeText;
      const bytes = new MappedText(source.tracking);
      const ends: number[] = [];
      words(spaced.text, (from, to) => {
        CHARACTERS_OF_BYTES.append(spaced, from, to, bytes);
        ends.push(bytes.text.length);
      });
      ends.forEach((end, i) => sink(bytes, ends[i - 1] ?? 0, end));
    },
  };
}

const wholeText: Delimiters = (text, sink) => {
  if (text !== '') sink(0, text.length);
};

/** The added space stands where the first character stands. */
function withPrefixSpace(source: MappedText): MappedText {
  if (source.text === '' || source.text.startsWith(' ')) return source;
  const out = new MappedText(source.tracking);
  out.pushFrom(' ', source, 0, widthOf(source.text.codePointAt(0) as number));
  out.copy(source, 0, source.text.length);
  return out;
}

/** Four characters for a code point at most. */
const CHARACTERS_OF_BYTES = new CodePointMap(charactersOfBytes, 4);

function charactersOfBytes(codePoint: number): string {
  const at = (byte: number): string => BYTE_CHARACTERS[byte] as string;
  const tail = (shift: number): string => at(0x80 | ((codePoint >> shift) & 0x3f));
  if (codePoint < 0x80) return at(codePoint);
  if (codePoint < 0x800) return at(0xc0 | (codePoint >> 6)) + tail(0);
  if (codePoint < 0x10000) return at(0xe0 | (codePoint >> 12)) + tail(6) + tail(0);
  return at(0xf0 | (codePoint >> 18)) + tail(12) + tail(6) + tail(0);
}

const CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/** The pattern that GPT-2 cuts words with, as tokenizer.json writes it. */
export const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** The matches of the pattern: they cover the whole text. */
export const gpt2Words: Delimiters = (text, sink) => {
  const { length } = text;
  for (let i = 0; i < length;) {
    const end = endOfWord(text, i, length);
    sink(i, end);
    i = end;
  }
};

function endOfWord(text: string, from: number, length: number): number {
  const contraction = text[from] === "'" ? CONTRACTIONS.find((one) => text.startsWith(one, from)) : undefined;
  if (contraction !== undefined) return from + contraction.length;
  const start = text[from] === ' ' ? from + 1 : from;
  if (start < length) {
    const codePoint = text.codePointAt(start) as number;
    if (hasProperty(codePoint, LETTER)) return endOfRun(text, start, length, LETTER, 'having');
    if (hasProperty(codePoint, NUMBER)) return endOfRun(text, start, length, NUMBER, 'having');
    if (!hasProperty(codePoint, SPACE)) return endOfRun(text, start, length, SPACE | LETTER | NUMBER, 'lacking');
  }
  // White space, one unit each: without the last before a word, which goes with the word where it is a space.
  const end = endOfRun(text, from, length, SPACE, 'having');
  return end < length && end - from > 1 ? end - 1 : end;
}
