import { InvalidTokenizerError } from '../errors.js';
import { JsonReader } from '../json/json-reader.js';
import { MAX_VOCABULARY } from '../models/read-model.js';
import { decodeText, tokenizerJson } from './parts.js';
import { readSpecialTokens, requiredToken, type SpecialDefaults, type TokenizerSettings } from './special-tokens.js';

/** RoBERTa's class leaves its tokens `normalized`, but for the mask. */
const DEFAULTS: SpecialDefaults = {
  tokens: {
    bos_token: { content: '<s>', normalized: true, flagged: true },
    eos_token: { content: '</s>', normalized: true, flagged: true },
    unk_token: { content: '<unk>', normalized: true, flagged: true },
    sep_token: { content: '</s>', normalized: true, flagged: true },
    pad_token: { content: '<pad>', normalized: true, flagged: true },
    cls_token: { content: '<s>', normalized: true, flagged: true },
    mask_token: { content: '<mask>', lstrip: true, flagged: true },
  },
};

export interface ByteLevelFiles {
  /** vocab.json: piece → id. */
  readonly vocabulary: Uint8Array;
  /** merges.txt: a heading, then two pieces a line. */
  readonly merges: Uint8Array;
}

/** The tokenizer.json that transformers 4.57 makes of RoBERTa's vocab.json and merges.txt. @throws InvalidTokenizerError. */
export function tokenizerJsonOfByteLevel(files: ByteLevelFiles, settings: TokenizerSettings): string {
  const { source } = settings;
  const ids = readVocabulary(decodeText(files.vocabulary, source, 'vocab.json'), source);
  const tokens = readSpecialTokens(settings, DEFAULTS, ids);
  const addPrefixSpace = tokens.config.field('add_prefix_space').boolean(false);
  return tokenizerJson({
    addedTokens: tokens.entries,
    normalizer: null,
    preTokenizer: { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true },
    postProcessor: {
      type: 'RobertaProcessing',
      sep: requiredToken(tokens, 'sep_token', ids),
      cls: requiredToken(tokens, 'cls_token', ids),
      trim_offsets: tokens.config.field('trim_offsets').boolean(true),
      add_prefix_space: addPrefixSpace,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids),
      merges: readMerges(decodeText(files.merges, source, 'merges.txt'), source),
    },
  });
}

function readVocabulary(text: string, source: string): ReadonlyMap<string, number> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new InvalidTokenizerError(source, 'vocab.json', 'not JSON');
  }
  const reader = new JsonReader(parsed, source, 'vocab.json');
  return new Map(
    reader.entries().map(([piece, id]) => {
      if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_VOCABULARY)
        return reader.fail(
          `the id of ${JSON.stringify(piece.slice(0, 40))} is not a whole number below ${MAX_VOCABULARY}`,
        );
      return [piece, id];
    }),
  );
}

/** The first line and what follows the last line end are dropped, whatever they say, as transformers does. */
function readMerges(text: string, source: string): readonly (readonly [string, string])[] {
  const lines = text.split('\n').slice(1, -1);
  const merges = new Map<string, readonly [string, string]>();
  lines.forEach((line, i) => {
    const [left, right, ...others] = line.split(/\s+/).filter((piece) => piece !== '');
    if (left === undefined || right === undefined || others.length > 0)
      throw new InvalidTokenizerError(source, 'merges.txt', `line ${i + 2} is not a pair of pieces`);
    const key = `${left} ${right}`;
    if (!merges.has(key)) merges.set(key, [left, right]);
  });
  return [...merges.values()];
}
