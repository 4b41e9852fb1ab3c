import type { Tokenizer } from '@kimera/core';
import { type AddedToken, AddedTokens } from './added-tokens.js';
import { type Decoder, metaspaceDecoder, wordPieceDecoder } from './decoders.js';
import { InvalidTokenizerError } from './errors.js';
import { HuggingFaceTokenizer } from './hugging-face-tokenizer.js';
import { JsonReader } from './json/json-reader.js';
import { MappedText } from './mapped-text.js';
import type { Normalizer, PieceModel, PreTokenizer } from './stages.js';
import { Unigram } from './models/unigram.js';
import { WordPiece } from './models/word-piece.js';
import { BertNormalizer } from './normalizers/bert-normalizer.js';
import { PrecompiledCharsmap } from './normalizers/precompiled-charsmap.js';
import { readRewrites, REWRITES } from './normalizers/read-rewrites.js';
import { bertPreTokenizer, metaspace, METASPACE, whitespaceThenMetaspace, wholeMetaspace } from './pre-tokenizers.js';

/** Ids of a tokenizer: four times the largest vocabulary of this family of models (250,037 rows). */
const MAX_VOCABULARY = 1_000_000;

interface ParsedModel {
  readonly model: PieceModel;
  readonly pieces: (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
}

/**
 * Reads a Hugging Face tokenizer.json. Its `truncation` and `padding` are not obeyed: the limit is the model's and
 * comes with each call.
 * @param source for messages. @param parsed the JSON, where the caller has parsed it: 17 MB in XLM-R. @throws
 * InvalidTokenizerError, UnsupportedTokenizerError.
 */
export function parseTokenizer(json: string, source: string, parsed: unknown = parseJson(json, source)): Tokenizer {
  const root = new JsonReader(parsed, source);
  const { model, pieces, ids } = readModel(root.field('model'));
  const addedTokens = readAddedTokens(root.field('added_tokens'), pieces);
  const { prefix, suffix } = readTemplate(root.field('post_processor'), pieces.length, ids, addedTokens);
  const normalizer = readNormalizer(root.field('normalizer'));
  return new HuggingFaceTokenizer({
    pieces,
    addedTokens: new AddedTokens(addedTokens.filter(({ normalized }) => !normalized)),
    normalizedTokens: new AddedTokens(
      addedTokens
        .filter(({ normalized }) => normalized)
        .map((token) => ({ ...token, content: normalizedContent(normalizer, token.content) })),
    ),
    normalizer,
    preTokenizer: readPreTokenizer(root.field('pre_tokenizer')),
    model,
    prefix,
    suffix,
    decoder: readDecoder(root.field('decoder')),
  });
}

function parseJson(json: string, source: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new InvalidTokenizerError(
      source,
      'tokenizer',
      `not JSON: ${cause instanceof Error ? cause.message.slice(0, 120) : ''}`,
    );
  }
}

function readModel(model: JsonReader): ParsedModel {
  const type = model.field('type').string();
  if (type === 'WordPiece') return readWordPiece(model);
  if (type === 'Unigram') return readUnigram(model);
  return model.unsupported(`model ${type}`, ['WordPiece', 'Unigram']);
}

function readWordPiece(model: JsonReader): ParsedModel {
  const vocabulary = model.field('vocab');
  const ids = new Map<string, number>();
  const pieces: (string | undefined)[] = [];
  for (const [piece, id] of vocabulary.entries()) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_VOCABULARY) {
      return vocabulary.fail(
        `the id of ${JSON.stringify(piece.slice(0, 40))} is not a whole number between 0 and ${MAX_VOCABULARY - 1}`,
      );
    }
    if (pieces[id] !== undefined)
      return vocabulary.fail(
        `${JSON.stringify(piece.slice(0, 40))} and ${JSON.stringify(pieces[id].slice(0, 40))} share the id ${id}`,
      );
    ids.set(piece, id);
    pieces[id] = piece;
  }
  const unknown = model.field('unk_token').string();
  const unknownId = ids.get(unknown);
  if (unknownId === undefined)
    return model.fail(`the unknown token ${JSON.stringify(unknown)} is not in the vocabulary`);
  const maxCharactersPerWord = model.field('max_input_chars_per_word').integer({ min: 0, max: 10_000 });
  const continuingPrefix = model.field('continuing_subword_prefix').string();
  return { model: new WordPiece({ vocabulary: ids, unknownId, continuingPrefix, maxCharactersPerWord }), pieces, ids };
}

function readUnigram(model: JsonReader): ParsedModel {
  if (model.field('byte_fallback').boolean(false))
    return model.unsupported('byte_fallback', ['Unigram without byte_fallback']);
  const vocabulary = model.field('vocab');
  const list = vocabulary.list();
  if (list.length === 0 || list.length > MAX_VOCABULARY)
    return vocabulary.fail(`${list.length} pieces, between 1 and ${MAX_VOCABULARY} are needed`);
  const pieces: string[] = [];
  const scores = new Float64Array(list.length);
  const ids = new Map<string, number>();
  list.forEach((entry, id) => {
    const pair: readonly unknown[] = Array.isArray(entry) ? entry : [];
    const [piece, score] = pair;
    if (pair.length !== 2 || typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
      return vocabulary.fail(`entry ${id} is not [piece, score]`);
    pieces.push(piece);
    scores[id] = score;
    ids.set(piece, id);
    return undefined;
  });
  const unknownId = model.field('unk_id').integer({ min: 0, max: list.length - 1 });
  return { model: new Unigram({ pieces, scores, unknownId }), pieces, ids };
}

function readNormalizer(normalizer: JsonReader): Normalizer {
  if (normalizer.isNull)
    return normalizer.unsupported('a tokenizer without normalizer', ['BertNormalizer', 'Precompiled']);
  const type = normalizer.field('type').string();
  if (type === 'Precompiled') return new PrecompiledCharsmap(normalizer.field('precompiled_charsmap'));
  if (type === 'BertNormalizer') {
    const lowercase = normalizer.field('lowercase').boolean(true);
    return new BertNormalizer({
      cleanText: normalizer.field('clean_text').boolean(true),
      handleChineseCharacters: normalizer.field('handle_chinese_chars').boolean(true),
      stripAccents: normalizer.field('strip_accents').boolean(lowercase),
      lowercase,
    });
  }
  if (type === 'Sequence') {
    const [first, ...rest] = normalizer.field('normalizers').items();
    if (first === undefined) return normalizer.unsupported('an empty Sequence', SEQUENCES);
    return readRewrites(readNormalizer(first), rest);
  }
  return normalizer.unsupported(`normalizer ${type}`, ['BertNormalizer', 'Precompiled', ...SEQUENCES]);
}
const SEQUENCES = [`Sequence of BertNormalizer or Precompiled, and then: ${REWRITES.join(', ')}`];

function readPreTokenizer(preTokenizer: JsonReader): PreTokenizer {
  if (preTokenizer.isNull)
    return preTokenizer.unsupported('a tokenizer without pre-tokenizer', ['BertPreTokenizer', 'Metaspace']);
  const type = preTokenizer.field('type').string();
  if (type === 'BertPreTokenizer') return bertPreTokenizer;
  if (type === 'Metaspace') return readMetaspace(preTokenizer);
  if (type === 'Sequence') {
    const [first, second, ...rest] = preTokenizer.field('pretokenizers').items();
    if (
      first?.field('type').value === 'WhitespaceSplit' &&
      second?.field('type').value === 'Metaspace' &&
      rest.length === 0
    ) {
      if (readMetaspace(second) === metaspace) return whitespaceThenMetaspace;
    }
  }
  return preTokenizer.unsupported(`pre-tokenizer ${type}`, [
    'BertPreTokenizer',
    'Metaspace',
    'Sequence of WhitespaceSplit and Metaspace',
  ]);
}

function readMetaspace(reader: JsonReader): PreTokenizer {
  if (reader.field('replacement').value !== METASPACE)
    return reader.field('replacement').unsupported('this replacement', [METASPACE]);
  const scheme = reader.field('prepend_scheme');
  const always = scheme.isNull ? reader.field('add_prefix_space').boolean(true) : scheme.string() === 'always';
  if (!always) return scheme.unsupported('this prefix', ['always']);
  return reader.field('split').boolean(true) ? metaspace : wholeMetaspace;
}

function readAddedTokens(reader: JsonReader, pieces: (string | undefined)[]): readonly AddedToken[] {
  return reader.items().map((token) => {
    const id = token.field('id').integer({ min: 0, max: MAX_VOCABULARY - 1 });
    const content = token.field('content').string();
    const known = pieces[id];
    if (known !== undefined && known !== content)
      return token.fail(
        `${JSON.stringify(content.slice(0, 40))} has the id ${id} of the piece ${JSON.stringify(known.slice(0, 40))}`,
      );
    pieces[id] = content;
    return {
      id,
      content,
      normalized: token.field('normalized').boolean(false),
      special: token.field('special').boolean(false),
      leftStrip: token.field('lstrip').boolean(false),
      rightStrip: token.field('rstrip').boolean(false),
      singleWord: token.field('single_word').boolean(false),
    };
  });
}

function normalizedContent(normalizer: Normalizer, content: string): string {
  const mapped = new MappedText('none');
  normalizer.normalize(content, 0, mapped);
  return mapped.text;
}

function readTemplate(
  reader: JsonReader,
  vocabularySize: number,
  ids: ReadonlyMap<string, number>,
  added: readonly AddedToken[],
): { readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  if (reader.isNull) return { prefix: [], suffix: [] };
  const type = reader.field('type').string();
  if (type !== 'TemplateProcessing') return reader.unsupported(`post-processor ${type}`, ['TemplateProcessing']);
  const parts: [number[], number[]] = [[], []];
  let side = 0;
  for (const item of reader.field('single').items()) {
    const special = item.field('SpecialToken');
    if (special.isNull) {
      if (item.field('Sequence').field('id').value !== 'A' || side === 1) return item.fail('expected one Sequence A');
      side = 1;
      continue;
    }
    const name = special.field('id').string();
    const entry = reader.field('special_tokens').field(name);
    if (entry.isNull) return special.fail(`the special token ${JSON.stringify(name)} is not defined`);
    for (const id of entry.field('ids').items()) {
      const value = id.integer({ min: 0, max: vocabularySize - 1 });
      if (!ids.has(name) && !added.some((token) => token.content === name))
        return id.fail(`${JSON.stringify(name)} is not in the vocabulary`);
      parts[side === 0 ? 0 : 1].push(value);
    }
  }
  if (side === 0) return reader.field('single').fail('the template has no Sequence A');
  return { prefix: parts[0], suffix: parts[1] };
}

function readDecoder(reader: JsonReader): Decoder {
  if (reader.isNull) return (pieces) => pieces.join(' ');
  const type = reader.field('type').string();
  if (type === 'WordPiece')
    return wordPieceDecoder(reader.field('prefix').string(), reader.field('cleanup').boolean(true));
  if (type === 'Metaspace') return metaspaceDecoder;
  return reader.unsupported(`decoder ${type}`, ['WordPiece', 'Metaspace']);
}
