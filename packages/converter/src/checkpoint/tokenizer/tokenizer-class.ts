import { UnsupportedModelError } from '@kimera/tensor-file';

/** A special token as a class names it where no file does; `leftStrip` takes the white space before it. */
export interface DefaultToken {
  readonly attribute: string;
  readonly content: string;
  readonly leftStrip?: boolean;
  /** Whether the class makes a token with flags of its own of it, or leaves it a plain string. */
  readonly isPlain: boolean;
}

/** What a tokenizer class of transformers (4.57) does to tokenizer.json when it loads it. */
export interface TokenizerClass {
  /**
   * Which entries of tokenizer_config.json replace those of a BertNormalizer: `do_lower_case` and `strip_accents`, and
   * with `all` also `tokenize_chinese_chars`.
   */
  readonly normalizer: 'all' | 'case and accents' | 'as it is';
  readonly tokens: readonly DefaultToken[];
  /** Whether the model gets the types of the tokens (`token_type_ids`), or takes 0 for all. */
  readonly usesTypes: boolean;
}

const plain = (attribute: string, content: string): DefaultToken => ({ attribute, content, isPlain: true });
const token = (attribute: string, content: string, leftStrip = false): DefaultToken => ({
  attribute,
  content,
  leftStrip,
  isPlain: false,
});

const BERT: TokenizerClass = {
  normalizer: 'all',
  usesTypes: true,
  tokens: [
    plain('unk_token', '[UNK]'),
    plain('sep_token', '[SEP]'),
    plain('pad_token', '[PAD]'),
    plain('cls_token', '[CLS]'),
    plain('mask_token', '[MASK]'),
  ],
};
const SENTENCES = [
  plain('bos_token', '<s>'),
  plain('eos_token', '</s>'),
  plain('unk_token', '<unk>'),
  plain('sep_token', '</s>'),
  plain('pad_token', '<pad>'),
  plain('cls_token', '<s>'),
];
const XLM_ROBERTA: TokenizerClass = {
  normalizer: 'as it is',
  usesTypes: false,
  tokens: [...SENTENCES, token('mask_token', '<mask>', true)],
};
const NONE: TokenizerClass = { normalizer: 'as it is', usesTypes: true, tokens: [] };

/** The fast classes by their names without `Fast`. */
const CLASSES: ReadonlyMap<string, TokenizerClass> = new Map([
  ['BertTokenizer', BERT],
  ['DistilBertTokenizer', { ...BERT, usesTypes: false }],
  ['ElectraTokenizer', BERT],
  ['ConvBertTokenizer', BERT],
  ['MobileBertTokenizer', BERT],
  ['SqueezeBertTokenizer', BERT],
  [
    'MPNetTokenizer',
    {
      normalizer: 'case and accents',
      usesTypes: false,
      tokens: [
        token('bos_token', '<s>'),
        token('eos_token', '</s>'),
        token('unk_token', '[UNK]'),
        token('sep_token', '</s>'),
        token('pad_token', '<pad>'),
        token('cls_token', '<s>'),
        token('mask_token', '<mask>', true),
      ],
    },
  ],
  ['RobertaTokenizer', XLM_ROBERTA],
  ['XLMRobertaTokenizer', XLM_ROBERTA],
  [
    'CamembertTokenizer',
    {
      ...XLM_ROBERTA,
      tokens: [
        ...XLM_ROBERTA.tokens,
        ...['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'].map((content) => plain('additional_special_tokens', content)),
      ],
    },
  ],
  ['PreTrainedTokenizer', NONE],
]);

/** The class that transformers takes where no file names one: by `model_type`. */
const OF_MODEL: Readonly<Record<string, string>> = {
  bert: 'BertTokenizer',
  distilbert: 'DistilBertTokenizer',
  electra: 'ElectraTokenizer',
  mpnet: 'MPNetTokenizer',
  roberta: 'RobertaTokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
  camembert: 'CamembertTokenizer',
};

/** The name of the class, without `Fast`. @param said by tokenizer_config.json, then by config.json. */
export function tokenizerClassName(said: string | undefined, modelType: unknown): string {
  return (said ?? (typeof modelType === 'string' ? OF_MODEL[modelType] : undefined) ?? 'PreTrainedTokenizer').replace(
    /Fast$/,
    '',
  );
}

/** @throws UnsupportedModelError for a class that does something of its own, such as Japanese word splitting. */
export function tokenizerClass(name: string): TokenizerClass {
  const found = CLASSES.get(name);
  if (found === undefined)
    throw new UnsupportedModelError('tokenizer_config.json: tokenizer_class', name, [...CLASSES.keys()]);
  return found;
}
