import { METASPACE } from '../pre-tokenizers/metaspace.js';
import { template, tokenizerJson } from './parts.js';
import { readSentencePieceModel, type SentencePiece } from './sentence-piece-model.js';
import { readSpecialTokens, requiredToken, type SpecialDefaults, type TokenizerSettings } from './special-tokens.js';

export type SentencePieceFamily = 'xlm-roberta' | 'camembert';

const TOKENS: SpecialDefaults['tokens'] = {
  bos_token: { content: '<s>' },
  eos_token: { content: '</s>' },
  unk_token: { content: '<unk>' },
  sep_token: { content: '</s>' },
  pad_token: { content: '<pad>' },
  cls_token: { content: '<s>' },
  mask_token: { content: '<mask>', lstrip: true, flagged: true },
};

type Scored = readonly [piece: string, score: number];

interface Family {
  readonly defaults: SpecialDefaults;
  /** Pieces before those of the model, and how many of the model's first ones they stand for. */
  readonly before: readonly Scored[];
  readonly skipped: number;
}

/** Both keep the numbering of fairseq (transformers 4.57 convert_slow_tokenizer.py); `<unk>` has the id 3. */
const FAMILIES: Readonly<Record<SentencePieceFamily, Family>> = {
  'xlm-roberta': {
    defaults: { tokens: TOKENS },
    before: [
      ['<s>', 0],
      ['<pad>', 0],
      ['</s>', 0],
      ['<unk>', 0],
    ],
    skipped: 3,
  },
  camembert: {
    defaults: { tokens: TOKENS, additional: ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'] },
    before: [
      ['<s>NOTUSED', 0],
      ['<pad>', 0],
      ['</s>NOTUSED', 0],
      ['<unk>', 0],
      ['<unk>NOTUSED', -100],
    ],
    skipped: 1,
  },
};
const UNKNOWN_ID = 3;
const CONTROL = 3;
const USER_DEFINED = 4;

/**
 * The tokenizer.json that transformers 4.57 makes of a SentencePiece model (sentencepiece.bpe.model) of XLM-R or CamemBERT.
 * @throws InvalidTokenizerError, UnsupportedTokenizerError where the model is not Unigram.
 */
export function tokenizerJsonOfSentencePiece(
  model: Uint8Array,
  family: SentencePieceFamily,
  settings: TokenizerSettings,
): string {
  const { pieces, charsmap } = readSentencePieceModel(model, settings.source, 'sentencepiece.bpe.model');
  const { defaults, before, skipped } = FAMILIES[family];
  const vocab: readonly Scored[] = [
    ...before,
    ...pieces.slice(skipped).map(({ piece, score }) => [piece, score] as const),
    ['<mask>', 0],
  ];
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const tokens = readSpecialTokens(settings, defaults, ids, declaredTokens(pieces));
  const space = { type: 'Metaspace', replacement: METASPACE, prepend_scheme: 'always', split: true };
  return tokenizerJson({
    addedTokens: tokens.entries,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(charsmap === undefined || charsmap.length === 0
          ? []
          : [{ type: 'Precompiled', precompiled_charsmap: base64(charsmap) }]),
        { type: 'Strip', strip_left: false, strip_right: true },
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: METASPACE },
      ],
    },
    preTokenizer: space,
    postProcessor: template(
      requiredToken({ ...tokens, contents: { cls_token: '<s>' } }, 'cls_token', ids),
      requiredToken({ ...tokens, contents: { sep_token: '</s>' } }, 'sep_token', ids),
      'two seps',
      0,
    ),
    decoder: space,
    model: { type: 'Unigram', unk_id: UNKNOWN_ID, vocab, byte_fallback: false },
  });
}

/** Control pieces and those that its trainer was given, which are looked for in the text itself. */
function declaredTokens(pieces: readonly SentencePiece[]) {
  return pieces
    .filter(({ type }) => type === CONTROL || type === USER_DEFINED)
    .map(({ piece, type }) => ({
      content: piece,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: type === CONTROL,
    }));
}

function base64(bytes: Uint8Array): string {
  let text = '';
  // A call takes only so many arguments.
  for (let i = 0; i < bytes.length; i += 8_192) text += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return btoa(text);
}
