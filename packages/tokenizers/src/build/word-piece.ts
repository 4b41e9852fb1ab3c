import { decodeText, template, tokenizerJson } from './parts.js';
import { readSpecialTokens, requiredToken, type SpecialDefaults, type TokenizerSettings } from './special-tokens.js';

export type WordPieceFamily = 'bert' | 'mpnet';

const DEFAULTS: Readonly<Record<WordPieceFamily, SpecialDefaults>> = {
  bert: {
    tokens: {
      unk_token: { content: '[UNK]' },
      sep_token: { content: '[SEP]' },
      pad_token: { content: '[PAD]' },
      cls_token: { content: '[CLS]' },
      mask_token: { content: '[MASK]' },
    },
  },
  mpnet: {
    tokens: {
      bos_token: { content: '<s>', flagged: true },
      eos_token: { content: '</s>', flagged: true },
      unk_token: { content: '[UNK]', flagged: true },
      sep_token: { content: '</s>', flagged: true },
      pad_token: { content: '<pad>', flagged: true },
      cls_token: { content: '<s>', flagged: true },
      mask_token: { content: '<mask>', lstrip: true, flagged: true },
    },
  },
};

/**
 * The tokenizer.json that transformers 4.57 makes of a vocab.txt: BERT's (DistilBERT's, ELECTRA's) or MPNet's.
 * @param vocabulary vocab.txt: a piece a line, its id is the number of the line.
 * @throws InvalidTokenizerError.
 */
export function tokenizerJsonOfWordPiece(
  vocabulary: Uint8Array,
  family: WordPieceFamily,
  settings: TokenizerSettings,
): string {
  const lines = decodeText(vocabulary, settings.source, 'vocab.txt').split('\n');
  if (lines.at(-1) === '') lines.pop();
  // A piece that stands twice has the later id.
  const ids = new Map(lines.map((piece, id) => [piece, id]));
  const tokens = readSpecialTokens(settings, DEFAULTS[family], ids);
  const { config } = tokens;
  const [unknown] = requiredToken(tokens, 'unk_token', ids);
  const cls = requiredToken(tokens, 'cls_token', ids);
  const sep = requiredToken(tokens, 'sep_token', ids);
  const basic = family === 'bert' || config.field('do_basic_tokenize').boolean(true);
  const accents = config.field('strip_accents');
  return tokenizerJson({
    addedTokens: tokens.entries,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: basic && config.field('tokenize_chinese_chars').boolean(true),
      strip_accents: accents.isNull ? null : accents.boolean(),
      lowercase: config.field('do_lower_case').boolean(true),
    },
    preTokenizer: { type: 'BertPreTokenizer' },
    postProcessor: template(cls, sep, family === 'mpnet' ? 'two seps' : 'one sep', 1),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  });
}
