import type { JsonReader } from '../json/json-reader.js';
import { readDelimiters } from '../pre-tokenizers/read-delimiters.js';
import type { Normalizer } from '../stages.js';
import { lowerCase } from '../unicode/lower-case.js';
import { COMBINING, hasProperty } from '../unicode/properties.js';
import { BertNormalizer } from './bert-normalizer.js';
import { CodePointMap } from './code-point-map.js';
import { nmt } from './nmt.js';
import { PrecompiledCharsmap } from './precompiled-charsmap.js';
import { prepend, replace, sequence, strip, unchanged, unicodeForm } from './rewrites.js';

const SUPPORTED = [
  'BertNormalizer',
  'Precompiled',
  'Sequence',
  'Lowercase',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Nmt',
  'StripAccents',
  'Strip',
  'Replace',
  'Prepend',
];

/** The `normalizer` of a tokenizer.json. */
export function readNormalizer(reader: JsonReader): Normalizer {
  if (reader.isNull) return unchanged;
  const type = reader.field('type').string();
  switch (type) {
    case 'BertNormalizer':
      return readBert(reader);
    case 'Precompiled':
      return new PrecompiledCharsmap(reader.field('precompiled_charsmap'));
    case 'Sequence':
      return sequence(reader.field('normalizers').items().map(readNormalizer));
    case 'Lowercase':
      return new CodePointMap(lowerCase, 2);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return unicodeForm(type);
    case 'Nmt':
      return new CodePointMap(nmt, 1);
    case 'StripAccents':
      return new CodePointMap(
        (codePoint) => (hasProperty(codePoint, COMBINING) ? '' : String.fromCodePoint(codePoint)),
        1,
      );
    case 'Strip':
      return strip(reader.field('strip_left').boolean(), reader.field('strip_right').boolean());
    case 'Replace':
      return readReplace(reader);
    case 'Prepend':
      return prepend(reader.field('prepend').string());
    default:
      return reader.unsupported(`normalizer ${type}`, SUPPORTED);
  }
}

function readReplace(reader: JsonReader): Normalizer {
  const text = reader.field('pattern').field('String');
  const pattern = text.isNull ? undefined : text.string();
  return replace(readDelimiters(reader.field('pattern')), reader.field('content').string(), pattern);
}

function readBert(reader: JsonReader): Normalizer {
  const lowercase = reader.field('lowercase').boolean(true);
  return new BertNormalizer({
    cleanText: reader.field('clean_text').boolean(true),
    handleChineseCharacters: reader.field('handle_chinese_chars').boolean(true),
    stripAccents: reader.field('strip_accents').boolean(lowercase),
    lowercase,
  });
}
