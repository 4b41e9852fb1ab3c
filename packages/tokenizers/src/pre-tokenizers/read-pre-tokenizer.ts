import type { JsonReader } from '../json/json-reader.js';
import type { PreTokenizer } from '../stages.js';
import { NUMERIC, PUNCTUATION, WHITE_SPACE } from '../unicode/properties.js';
import { byteLevel } from './byte-level.js';
import { METASPACE, metaspace } from './metaspace.js';
import { readDelimiters } from './read-delimiters.js';
import { type Behavior, BEHAVIORS, bertPreTokenizer, having, sequence, splitAt, whitespace, whole } from './splits.js';

const SUPPORTED = [
  'BertPreTokenizer',
  'ByteLevel',
  'Metaspace',
  'Sequence',
  'Whitespace',
  'WhitespaceSplit',
  'Punctuation',
  'Digits',
  'Split',
];
const PREFIXES = ['always', 'first', 'never'] as const;

/** The `pre_tokenizer` of a tokenizer.json. */
export function readPreTokenizer(reader: JsonReader): PreTokenizer {
  if (reader.isNull) return whole;
  const type = reader.field('type').string();
  switch (type) {
    case 'BertPreTokenizer':
      return bertPreTokenizer;
    case 'ByteLevel':
      return byteLevel({
        addPrefixSpace: reader.field('add_prefix_space').boolean(),
        useRegex: reader.field('use_regex').boolean(true),
      });
    case 'Metaspace':
      return readMetaspace(reader);
    case 'Sequence':
      return sequence(reader.field('pretokenizers').items().map(readPreTokenizer));
    case 'Whitespace':
      return whitespace;
    case 'WhitespaceSplit':
      return splitAt({ delimiters: having(WHITE_SPACE), behavior: 'Removed' });
    case 'Punctuation':
      return splitAt({
        delimiters: having(PUNCTUATION),
        behavior: readBehavior(reader.field('behavior'), 'Isolated'),
      });
    case 'Digits':
      return splitAt({
        delimiters: having(NUMERIC),
        behavior: reader.field('individual_digits').boolean() ? 'Isolated' : 'Contiguous',
      });
    case 'Split':
      return splitAt({
        delimiters: readDelimiters(reader.field('pattern')),
        behavior: readBehavior(reader.field('behavior')),
        invert: reader.field('invert').boolean(),
      });
    default:
      return reader.unsupported(`pre-tokenizer ${type}`, SUPPORTED);
  }
}

function readBehavior(reader: JsonReader, fallback?: Behavior): Behavior {
  if (reader.isNull && fallback !== undefined) return fallback;
  const name = reader.string();
  return BEHAVIORS.find((behavior) => behavior === name) ?? reader.unsupported(`behavior ${name}`, BEHAVIORS);
}

function readMetaspace(reader: JsonReader): PreTokenizer {
  if (reader.field('replacement').value !== METASPACE)
    return reader.field('replacement').unsupported('this replacement', [METASPACE]);
  return metaspace({ prepend: readPrepend(reader), split: reader.field('split').boolean(true) });
}

/** When ▁ is put in front; `add_prefix_space: false`, of older files, must say the same. */
export function readPrepend(reader: JsonReader): (typeof PREFIXES)[number] {
  const scheme = reader.field('prepend_scheme');
  const name = scheme.isNull ? 'always' : scheme.string();
  const prefix = PREFIXES.find((one) => one === name) ?? scheme.unsupported(`prefix ${name}`, PREFIXES);
  if (!reader.field('add_prefix_space').boolean(true) && prefix !== 'never')
    return reader.field('add_prefix_space').fail(`false does not agree with the prepend_scheme ${prefix}`);
  return prefix;
}
