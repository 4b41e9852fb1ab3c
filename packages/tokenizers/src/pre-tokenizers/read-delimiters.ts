import type { JsonReader } from '../json/json-reader.js';
import type { Delimiters, RangeSink } from '../stages.js';
import { LETTER, NUMBER, SPACE } from '../unicode/properties.js';
import { GPT2_PATTERN, gpt2Words } from './byte-level.js';
import { having, occurrences, runsOf } from './splits.js';

/** Regular expressions that are followed exactly; no other is guessed at. */
const PATTERNS: ReadonlyMap<string, Delimiters> = new Map([
  [' {2,}', runsOfSpaces],
  ['\\s', having(SPACE)],
  ['\\s+', runsOf(SPACE)],
  ['\\s{2,}', runsOf(SPACE, 2)],
  ['\\p{L}+', runsOf(LETTER)],
  ['\\p{N}', having(NUMBER)],
  ['\\p{N}+', runsOf(NUMBER)],
  [GPT2_PATTERN, gpt2Words],
]);

function runsOfSpaces(text: string, sink: RangeSink): void {
  for (let i = text.indexOf('  '); i >= 0;) {
    let end = i + 2;
    while (text[end] === ' ') end += 1;
    sink(i, end);
    i = text.indexOf('  ', end);
  }
}

/** A `pattern`: a text, which is not empty, or one of the known regular expressions. */
export function readDelimiters(pattern: JsonReader): Delimiters {
  const text = pattern.field('String');
  if (!text.isNull) return text.string() === '' ? text.fail('the pattern is empty') : occurrences(text.string());
  const regex = pattern.field('Regex');
  return PATTERNS.get(regex.string()) ?? regex.unsupported('this pattern', ['a text', ...PATTERNS.keys()]);
}
