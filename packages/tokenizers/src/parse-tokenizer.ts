import { type Tokenizer, toWellFormed } from '@kimera/core';
import { type AddedToken, AddedTokens } from './added-tokens.js';
import { readDecoder } from './decoders.js';
import { InvalidTokenizerError } from './errors.js';
import { HuggingFaceTokenizer } from './hugging-face-tokenizer.js';
import { JsonReader } from './json/json-reader.js';
import { MappedText } from './mapped-text.js';
import { MAX_VOCABULARY, type ParsedModel, readModel } from './models/read-model.js';
import { readNormalizer } from './normalizers/read-normalizer.js';
import { readPostProcessor } from './post-processor.js';
import { readPreTokenizer } from './pre-tokenizers/read-pre-tokenizer.js';
import type { Normalizer } from './stages.js';

/**
 * How many times as long normalisation may make a text. ALBERT's normalisers, the longest list in use, come to some
 * 1,200, counting the worst case of each.
 */
const MAX_GROWTH = 2_000;

/**
 * Reads a Hugging Face tokenizer.json. Its `truncation` and `padding` are not obeyed: the limit is the model's and
 * comes with each call.
 * @param source for messages. @param parsed the JSON, where the caller has parsed it: 17 MB in XLM-R. @throws
 * InvalidTokenizerError, UnsupportedTokenizerError.
 */
export function parseTokenizer(json: string, source: string, parsed: unknown = parseJson(json, source)): Tokenizer {
  const root = new JsonReader(parsed, source);
  const parsedModel = readModel(root.field('model'));
  const addedTokens = readAddedTokens(root.field('added_tokens'), parsedModel);
  const { model, pieces } = parsedModel;
  const normalizer = readNormalizer(root.field('normalizer'));
  if (normalizer.growth > MAX_GROWTH)
    root.field('normalizer').fail(`a text may become ${normalizer.growth} times as long, the limit is ${MAX_GROWTH}`);
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
    postProcessor: readPostProcessor(root.field('post_processor'), pieces),
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

/**
 * The added tokens, whose pieces are put among the others. The library gives each the id of its piece, or else the next
 * free one, whatever the file says: a file that says something else is refused.
 */
function readAddedTokens(reader: JsonReader, { pieces, ids }: ParsedModel): readonly AddedToken[] {
  let next = ids.size;
  const added = new Map<string, number>();
  return reader.items().map((token) => {
    const id = token.field('id').integer({ min: 0, max: MAX_VOCABULARY - 1 });
    const content = token.field('content').string();
    const known = pieces[id];
    if (known !== undefined && known !== content)
      return token.fail(`${shown(content)} has the id ${id} of the piece ${shown(known)}`);
    const expected = ids.get(content) ?? added.get(content) ?? next;
    if (content !== '' && expected !== id)
      return token.fail(`${shown(content)} has the id ${id}, the library gives it ${expected}`);
    if (toWellFormed(content) !== content) return token.fail(`${shown(content)} holds half a surrogate pair`);
    next = Math.max(next, id + 1);
    added.set(content, id);
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

function shown(content: string): string {
  return JSON.stringify(content.slice(0, 40));
}

function normalizedContent(normalizer: Normalizer, content: string): string {
  return normalizer.normalize(MappedText.of(content, 0, 'none')).text;
}
