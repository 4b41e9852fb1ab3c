import type { JsonReader } from '../json/json-reader.js';
import type { Normalizer } from '../stages.js';
import { ReplaceMatches } from './replace-matches.js';

/** What may follow the first normaliser of a Sequence. */
export const REWRITES: readonly string[] = [
  'Replace of one character',
  'Replace of the pattern " {2,}" or "\\s+" with one space',
  'Strip',
];

/** The library's `\s` and its `char::is_whitespace`. */
const WHITE_SPACE = '\\p{White_Space}';

/** `first` followed by the `Replace` and `Strip` of a Sequence, in their order. */
export function readRewrites(first: Normalizer, readers: readonly JsonReader[]): Normalizer {
  let normalizer = first;
  for (let i = 0; i < readers.length;) {
    const reader = readers[i] as JsonReader;
    const type = reader.field('type').string();
    const characters = readCharacters(readers.slice(i));
    if (characters.size > 0) {
      normalizer = new ReplaceMatches(
        normalizer,
        new RegExp([...characters.keys()].map(escapeRegExp).join('|'), 'gu'),
        (match) => characters.get(match) ?? match,
      );
      i += characters.size;
      continue;
    }
    if (type === 'Replace') normalizer = new ReplaceMatches(normalizer, readPattern(reader), () => ' ');
    else if (type === 'Strip') normalizer = new ReplaceMatches(normalizer, readStrip(reader), () => '');
    else return reader.unsupported(`normalizer ${type} within a Sequence`, REWRITES);
    i += 1;
  }
  return normalizer;
}

/**
 * Character → text of the `Replace` of single characters that the list starts with. They are done in one pass, which is
 * the same as one after the other as long as none replaces what an earlier one puts in: there the run ends.
 */
function readCharacters(readers: readonly JsonReader[]): ReadonlyMap<string, string> {
  const replacements = new Map<string, string>();
  for (const reader of readers) {
    if (reader.field('type').string() !== 'Replace') break;
    const pattern = reader.field('pattern').field('String');
    if (pattern.isNull) break;
    const character = pattern.string();
    if (Array.from(character).length !== 1) return pattern.unsupported('this pattern', REWRITES);
    if (replacements.has(character) || [...replacements.values()].some((text) => text.includes(character))) break;
    replacements.set(character, reader.field('content').string());
  }
  return replacements;
}

function readPattern(reader: JsonReader): RegExp {
  const pattern = reader.field('pattern').field('Regex');
  if (reader.field('content').value !== ' ') return reader.field('content').unsupported('this content', REWRITES);
  if (pattern.value === ' {2,}') return / {2,}/g;
  if (pattern.value === '\\s+') return new RegExp(`${WHITE_SPACE}+`, 'gu');
  return pattern.unsupported('this pattern', REWRITES);
}

function readStrip(reader: JsonReader): RegExp {
  // The lookbehind keeps it linear: a run of white space is tried at its first character alone.
  const sides = [
    ...(reader.field('strip_left').boolean() ? [`^${WHITE_SPACE}+`] : []),
    ...(reader.field('strip_right').boolean() ? [`(?<!${WHITE_SPACE})${WHITE_SPACE}+$`] : []),
  ];
  // Neither side: a pattern that never matches.
  return new RegExp(sides.length === 0 ? '(?!)' : sides.join('|'), 'gu');
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
