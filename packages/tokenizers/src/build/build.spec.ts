import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KimeraError } from '@kimera/core';
import { fixturePath } from '../fixtures.fixture.js';
import {
  parseTokenizer,
  type SentencePieceFamily,
  tokenizerJsonOfByteLevel,
  tokenizerJsonOfSentencePiece,
  tokenizerJsonOfWordPiece,
  type TokenizerSettings,
} from '../pure.js';

/** What transformers made of some files: fixtures/tokenizers/make_built.py. Models are in base 64. */
interface Built {
  readonly kind: 'wordpiece' | 'byte-level' | 'sentencepiece';
  readonly name: string;
  /** The model type of config.json. */
  readonly family: string;
  readonly files: Readonly<Record<string, string>>;
  readonly settings: Omit<TokenizerSettings, 'source'>;
  readonly expected: unknown;
}
const cases = JSON.parse(readFileSync(fixturePath('tokenizers/built.json'), 'utf8')) as readonly Built[];

const utf8 = (text = ''): Uint8Array => new TextEncoder().encode(text);
const MODEL = 'sentencepiece.bpe.model';

function build({ kind, family, files, settings, name }: Built): string {
  const all = { ...settings, source: name };
  if (kind === 'wordpiece')
    return tokenizerJsonOfWordPiece(utf8(files['vocab.txt']), family === 'mpnet' ? 'mpnet' : 'bert', all);
  if (kind === 'byte-level')
    return tokenizerJsonOfByteLevel({ vocabulary: utf8(files['vocab.json']), merges: utf8(files['merges.txt']) }, all);
  return tokenizerJsonOfSentencePiece(Buffer.from(files[MODEL] ?? '', 'base64'), family as SentencePieceFamily, all);
}

describe('a tokenizer.json is what transformers makes of', () => {
  it.each(cases.map((one) => [one.kind, one.name, one] as const))('%s: %s', (_kind, _name, one) => {
    const json = build(one);
    const built: unknown = JSON.parse(json);
    expect(built).toEqual(one.expected);
    expect(parseTokenizer(json, one.name).encode('a b', { maxTokens: 9 }).ids.length).toBeGreaterThan(2);
  });
});

const VOCABULARY = utf8('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n');
const settings = (more: Omit<TokenizerSettings, 'source'> = {}): TokenizerSettings => ({
  ...more,
  source: 'a checkpoint',
});
const sentencePiece = cases.find(({ name }) => name === 'xlm-roberta: declared pieces');
const model = new Uint8Array(Buffer.from(sentencePiece?.files[MODEL] ?? '', 'base64'));
/** A SentencePiece model of one piece, with a model type. */
const tiny = (type: number): Uint8Array => Uint8Array.of(0x0a, 3, 0x0a, 1, 0x61, 0x12, 2, 0x18, type);

describe('refused', () => {
  const invalid = 'INVALID_TOKENIZER';
  it.each<readonly [string, string, () => string]>([
    ['no [CLS] in the vocabulary', invalid, () => tokenizerJsonOfWordPiece(utf8('[UNK]\n[SEP]\n'), 'bert', settings())],
    ['bytes that are no text', invalid, () => tokenizerJsonOfWordPiece(Uint8Array.of(0xff), 'bert', settings())],
    [
      'an id that the token would not get',
      invalid,
      () => tokenizerJsonOfWordPiece(VOCABULARY, 'bert', settings({ addedTokens: { new: 17 } })),
    ],
    [
      'a setting of another type',
      invalid,
      () => tokenizerJsonOfWordPiece(VOCABULARY, 'bert', settings({ config: { do_lower_case: 'yes' } })),
    ],
    [
      'a list for a map',
      invalid,
      () => tokenizerJsonOfWordPiece(VOCABULARY, 'bert', settings({ specialTokensMap: [] })),
    ],
    [
      'a line of merges with three pieces',
      invalid,
      () =>
        tokenizerJsonOfByteLevel({ vocabulary: utf8('{"<s>":0,"</s>":1}'), merges: utf8('#\na b c\n') }, settings()),
    ],
    [
      'a vocabulary that is no JSON',
      invalid,
      () => tokenizerJsonOfByteLevel({ vocabulary: utf8('<s>'), merges: utf8('#\n') }, settings()),
    ],
    [
      'a negative id',
      invalid,
      () => tokenizerJsonOfByteLevel({ vocabulary: utf8('{"<s>":-1}'), merges: utf8('#\n') }, settings()),
    ],
    ['an empty model', invalid, () => tokenizerJsonOfSentencePiece(new Uint8Array(), 'camembert', settings())],
    ['half a model', invalid, () => tokenizerJsonOfSentencePiece(model.subarray(0, 99), 'camembert', settings())],
    [
      'a length beyond the file',
      invalid,
      () => tokenizerJsonOfSentencePiece(Uint8Array.of(10, 255, 255, 255, 127), 'camembert', settings()),
    ],
    [
      'a number without end',
      invalid,
      () => tokenizerJsonOfSentencePiece(new Uint8Array(20).fill(255), 'camembert', settings()),
    ],
    [
      'a SentencePiece model of type BPE',
      'UNSUPPORTED_TOKENIZER',
      () => tokenizerJsonOfSentencePiece(tiny(2), 'xlm-roberta', settings()),
    ],
  ])('%s', (_what, code, run) => {
    expect(run).toThrow(expect.objectContaining({ code, source: 'a checkpoint' }));
  });
});

describe('hostile files end in a tokenizer.json or in an error that says why', () => {
  const onlyOwnErrors = (run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof KimeraError)) throw error;
    }
  };

  it('SentencePiece models with changed bytes', () => {
    const change = fc.record({ at: fc.nat(model.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(model.length), (changes, length) => {
        const bytes = model.slice(0, length);
        for (const { at, byte } of changes) if (at < length) bytes[at] = byte;
        onlyOwnErrors(() => parseTokenizer(tokenizerJsonOfSentencePiece(bytes, 'camembert', settings()), 'changed'));
      }),
    );
  });

  it('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        onlyOwnErrors(() => tokenizerJsonOfSentencePiece(bytes, 'xlm-roberta', settings()));
        onlyOwnErrors(() => tokenizerJsonOfWordPiece(bytes, 'mpnet', settings()));
        onlyOwnErrors(() => tokenizerJsonOfByteLevel({ vocabulary: bytes, merges: bytes }, settings()));
      }),
    );
  });

  it('any settings', () => {
    const name = fc.constantFrom(
      'cls_token',
      'mask_token',
      'additional_special_tokens',
      'added_tokens_decoder',
      'do_lower_case',
    );
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.record({ content: fc.string() }), fc.array(fc.string()));
    const file = fc.option(fc.dictionary(name, value), { nil: undefined });
    fc.assert(
      fc.property(file, file, fc.jsonValue({ maxDepth: 1 }), (config, specialTokensMap, addedTokens) => {
        onlyOwnErrors(() =>
          tokenizerJsonOfWordPiece(VOCABULARY, 'bert', settings({ config, specialTokensMap, addedTokens })),
        );
      }),
    );
  });
});
