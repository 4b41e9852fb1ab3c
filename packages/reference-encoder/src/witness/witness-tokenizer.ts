import type { Tokenizer } from '@kimera/core';
import { parseTokenizer } from '@kimera/tokenizers';
import { asObject, readJsonFile, type WitnessFile } from './witness-file.js';

/** The tokenizer of a checkpoint as transformers 4.57.6 loads it. */
export interface WitnessTokenizer {
  /** Undefined where the witness cannot build it: ids are not compared. */
  readonly tokenizer: Tokenizer | undefined;
  readonly truncationSide: 'left' | 'right';
  /** What the normaliser does with capitals and accents. */
  readonly casing: string;
  readonly notSeen: readonly string[];
}

/** Classes that put casing, accents and Chinese characters of their configuration over those of tokenizer.json. */
const BERT_CLASSES =
  /^(Bert|DistilBert|Electra|MPNet|Funnel|Lxmert|MobileBert|ConvBert|Retribert|Splinter)Tokenizer(Fast)?$/;
const CLASS_OF_TYPE: Readonly<Record<string, string>> = {
  bert: 'BertTokenizer',
  distilbert: 'DistilBertTokenizer',
  electra: 'ElectraTokenizer',
  mpnet: 'MPNetTokenizer',
};
const SPECIAL = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

type Json = Readonly<Record<string, unknown>>;

/**
 * @param config tokenizer_config.json with the entries that sentence_bert_config.json puts over it. @param lowerCase
 * whether sentence_bert_config.json asks for lower case. @throws the tokenizer's errors.
 */
export async function witnessTokenizer(
  folder: string,
  config: WitnessFile,
  modelType: string,
  lowerCase: 'lower case' | 'as it is',
): Promise<WitnessTokenizer> {
  const file = asObject(await readJsonFile(folder, 'tokenizer.json'));
  const fromFile = asObject(file['truncation'])['direction'] === 'Left' ? 'left' : 'right';
  const side = config.text('truncation_side');
  const truncationSide = side === 'left' || side === 'right' ? side : fromFile;
  if (Object.keys(file).length === 0)
    return {
      tokenizer: undefined,
      truncationSide,
      casing: 'not read',
      notSeen: ['no tokenizer.json: ids are not compared'],
    };
  // The forward pass has token type 0 alone.
  if (/"type_id":[1-9]/.test(JSON.stringify(asObject(file['post_processor'])['single'] ?? [])))
    throw new Error('the witness does not read token types other than 0, which tokenizer.json gives');
  const name = config.text('tokenizer_class') ?? CLASS_OF_TYPE[modelType] ?? 'PreTrainedTokenizerFast';
  const notSeen: string[] = [];
  const normalizer = withLowerCase(withCasing(file['normalizer'], name, config), lowerCase);
  const effective: Json = {
    ...file,
    normalizer,
    pre_tokenizer: withPrefixSpace(file['pre_tokenizer'], config),
    added_tokens: withAddedTokens(file, config, notSeen),
  };
  for (const key of ['split_special_tokens', 'from_slow'])
    if (config.flag(key) === true) notSeen.push(`tokenizer_config.json: ${key}`);
  return {
    tokenizer: parseTokenizer(JSON.stringify(effective), `${folder}/tokenizer.json`),
    truncationSide,
    casing: casingOf(normalizer),
    notSeen: [...notSeen, ...config.unread(NEUTRAL)],
  };
}

function withCasing(normalizer: unknown, name: string, config: WitnessFile): unknown {
  const step = asObject(normalizer);
  const [lower, accents, chinese] = [
    config.flag('do_lower_case'),
    config.flag('strip_accents'),
    config.flag('tokenize_chinese_chars'),
  ];
  if (step['type'] !== 'BertNormalizer' || !BERT_CLASSES.test(name)) return normalizer;
  return {
    ...step,
    lowercase: lower ?? true,
    strip_accents: accents ?? null,
    ...(name.startsWith('MPNet') ? {} : { handle_chinese_chars: chinese ?? true }),
  };
}

/** sentence-transformers 5.7 puts a Lowercase step first where no step lower-cases. */
function withLowerCase(normalizer: unknown, lowerCase: 'lower case' | 'as it is'): unknown {
  const step = asObject(normalizer);
  if (lowerCase === 'as it is') return normalizer;
  const inner: unknown = step['normalizers'];
  const steps: readonly unknown[] = step['type'] === 'Sequence' && Array.isArray(inner) ? inner : [step];
  if (steps.some((one) => asObject(one)['type'] === 'Lowercase' || asObject(one)['lowercase'] === true))
    return normalizer;
  // A BertNormalizer alone: the same, said by its own members. Accents stay as they were.
  if (step['type'] === 'BertNormalizer')
    return { ...step, lowercase: true, strip_accents: step['strip_accents'] ?? false };
  return { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, ...steps.filter((one) => 'type' in asObject(one))] };
}

function withPrefixSpace(preTokenizer: unknown, config: WitnessFile): unknown {
  const wanted = config.flag('add_prefix_space');
  const step = asObject(preTokenizer);
  return step['type'] === 'ByteLevel' && wanted !== undefined ? { ...step, add_prefix_space: wanted } : preTokenizer;
}

/** Tokens that the configuration names and tokenizer.json does not have as added ones: they are found before the model. */
function withAddedTokens(file: Json, config: WitnessFile, notSeen: string[]): readonly unknown[] {
  const added: readonly unknown[] = Array.isArray(file['added_tokens']) ? file['added_tokens'] : [];
  const known = new Set(added.map((token) => asObject(token)['content']));
  const vocabulary = asObject(file['model'])['vocab'];
  const idOf = (content: string): number | undefined => {
    if (Array.isArray(vocabulary)) {
      const at = vocabulary.findIndex((entry: unknown) => Array.isArray(entry) && entry[0] === content);
      return at < 0 ? undefined : at;
    }
    const id = asObject(vocabulary)[content];
    return typeof id === 'number' ? id : undefined;
  };
  const additional = config.value('additional_special_tokens');
  const wanted = [
    ...Object.values(config.object('added_tokens_decoder')),
    ...SPECIAL.map((key) => config.value(key)),
    ...(Array.isArray(additional) ? (additional as readonly unknown[]) : []),
    ...Object.values(config.object('extra_special_tokens')),
  ];
  const more: unknown[] = [];
  for (const token of wanted) {
    const entry = typeof token === 'string' ? { content: token } : asObject(token);
    const content = entry['content'];
    if (typeof content !== 'string' || known.has(content)) continue;
    known.add(content);
    const id = idOf(content);
    if (id === undefined)
      notSeen.push(`the added token ${JSON.stringify(content)}, which the vocabulary does not have`);
    else
      more.push({ single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...entry, id });
  }
  return [...added, ...more];
}

export function casingOf(normalizer: unknown): string {
  const step = asObject(normalizer);
  const inner: unknown = step['normalizers'];
  const steps: readonly unknown[] = step['type'] === 'Sequence' && Array.isArray(inner) ? inner : [step];
  const lower = steps.some((one) => asObject(one)['type'] === 'Lowercase' || asObject(one)['lowercase'] === true);
  const strips = steps.some((one) => {
    const { strip_accents, lowercase, type } = asObject(one);
    return type === 'StripAccents' || (type === 'BertNormalizer' && (strip_accents ?? lowercase) === true);
  });
  return `${lower ? 'lower case' : 'capitals kept'}, ${strips ? 'accents removed' : 'accents kept'}`;
}

/** What tokenizer_config.json says that changes no id where there is a tokenizer.json. */
const NEUTRAL: readonly string[] = [
  ...[
    'chat_template',
    'clean_up_tokenization_spaces',
    'do_basic_tokenize',
    'never_split',
    'padding_side',
    'processor_class',
  ],
  ...[
    'pad_token_type_id',
    'pad_to_multiple_of',
    'name_or_path',
    'special_tokens_map_file',
    'tokenizer_file',
    'use_fast',
  ],
  ...['sp_model_kwargs', 'model_input_names', 'errors', 'trim_offsets', 'max_length', 'stride', 'truncation_strategy'],
  ...[
    'backend',
    'is_local',
    'keep_accents',
    'remove_space',
    'vocab_file',
    'merges_file',
    'wordpieces_prefix',
    'padding',
  ],
  ...['device', 'return_token_type_ids', 'truncation', 'auto_map', 'add_bos_token', 'add_eos_token', 'legacy'],
  ...['do_lower_case', 'strip_accents', 'tokenize_chinese_chars', 'model_max_length', 'max_len'],
];
