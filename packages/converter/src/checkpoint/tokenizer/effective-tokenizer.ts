import { UnsupportedModelError } from '@kimera/tensor-file';
import { SPECIAL_TOKEN_ATTRIBUTES } from '@kimera/tokenizers';
import { z } from 'zod';
import { RemoteCodeError } from '../../errors.js';
import { type Accounting, shown } from '../accounting.js';
import { checked, readJson } from '../json-file.js';
import { LOADING_KEYS } from '../transformer-config.js';
import {
  ADDITIONAL_TOKENS,
  type AddedToken,
  addedTokenSchema,
  addTokens,
  type NamedToken,
  namedTokenSchema,
  textOf,
  tokensToAdd,
  type WantedToken,
} from './added-tokens.js';
import { buildTokenizer } from './build-tokenizer.js';
import { tokenizerClass, tokenizerClassName, type TokenizerClass } from './tokenizer-class.js';

export const TOKENIZER_CONFIG = 'tokenizer_config.json';
export const SPECIAL_TOKENS_MAP = 'special_tokens_map.json';
export const ADDED_TOKENS = 'added_tokens.json';

const namedTokens = z.array(namedTokenSchema).nullish();
const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  model_max_length: z.number().positive().nullish(),
  max_len: z.number().positive().nullish(),
  truncation_side: z.enum(['right', 'left']).nullish(),
  split_special_tokens: z.boolean().nullish(),
  from_slow: z.boolean().nullish(),
  auto_map: z.unknown().optional(),
  processor_class: z.string().nullish(),
  init_inputs: z.array(z.unknown()).max(0).nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedTokenSchema.omit({ id: true })).nullish(),
  [ADDITIONAL_TOKENS]: namedTokens,
  extra_special_tokens: z.union([z.record(z.string(), namedTokenSchema), z.array(namedTokenSchema)]).nullish(),
});
type TokenizerConfig = z.infer<typeof configSchema>;

/**
 * Keys that change no token id where tokenizer.json is there: padding is masked, offsets and decoding are not ids,
 * chat templates are for messages, and the paths of other files are not followed.
 */
const IRRELEVANT = [
  'backend',
  'chat_template',
  'clean_up_tokenization_spaces',
  'decode_with_prefix_space',
  'device',
  'do_basic_tokenize',
  'errors',
  'is_local',
  'keep_accents',
  'max_length',
  'merges_file',
  'model_input_names',
  'name_or_path',
  'never_split',
  'pad_to_multiple_of',
  'pad_token_id',
  'pad_token_type_id',
  'padding',
  'padding_side',
  'remove_space',
  'return_token_type_ids',
  'sp_model_kwargs',
  'special_tokens_map_file',
  'stride',
  'tokenizer_file',
  'trim_offsets',
  'truncation',
  'truncation_strategy',
  'unk_id',
  'use_fast',
  'verbose',
  'vocab_file',
  'wordpieces_prefix',
];
const KNOWN = [...Object.keys(configSchema.shape), ...SPECIAL_TOKEN_ATTRIBUTES, ...IRRELEVANT, ...LOADING_KEYS];

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).nullish(),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullish(),
  post_processor: z.unknown().optional(),
  truncation: z.looseObject({ direction: z.string().nullish() }).nullish(),
  model: z.looseObject({ vocab: z.unknown().optional() }),
});
type TokenizerJson = z.infer<typeof tokenizerSchema>;

/** A tokenizer as transformers loads it, written down as one tokenizer.json. */
export interface EffectiveTokenizer {
  readonly json: string;
  /** The same, parsed. */
  readonly parsed: unknown;
  /** Where texts beyond the limit are cut. */
  readonly truncationSide: 'right' | 'left';
  /** Tokens a text may have by tokenizer_config.json; undefined where it sets no limit. */
  readonly maxTokens: number | undefined;
}

export interface TokenizerSettings {
  /** Entries that replace those of tokenizer_config.json. */
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly casing: 'lower-casing' | 'as it is';
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The files beside tokenizer.json that say how it is used. @throws as effectiveTokenizer. */
export async function readTokenizerConfig(
  folder: string,
  { overrides }: TokenizerSettings,
  accounting: Accounting,
): Promise<TokenizerConfig> {
  const file = (await readJson(folder, TOKENIZER_CONFIG, z.record(z.string(), z.unknown()))) ?? {};
  const config = checked(TOKENIZER_CONFIG, { ...file, ...overrides }, configSchema);
  accounting.account(TOKENIZER_CONFIG, config, KNOWN);
  const map = z.record(z.string(), z.unknown()).safeParse(config.auto_map).data;
  const code = map === undefined ? (config.auto_map ?? undefined) : map['AutoTokenizer'];
  if (code !== undefined && code !== null && !accounting.isIgnored(TOKENIZER_CONFIG, 'auto_map'))
    throw new RemoteCodeError(TOKENIZER_CONFIG, shown(code));
  if (typeof config.processor_class === 'string')
    throw new UnsupportedModelError(`${TOKENIZER_CONFIG}: processor_class`, config.processor_class, ['a tokenizer']);
  for (const key of ['split_special_tokens', 'from_slow'] as const)
    if (config[key] === true) throw new UnsupportedModelError(`${TOKENIZER_CONFIG}: ${key}`, 'true', ['false']);
  return config;
}

/**
 * tokenizer.json with everything that the files beside it change, as transformers 4.57 and sentence-transformers 5.7
 * load it: casing and accents, added tokens, the space before the first word. The text is returned as it is where they
 * change nothing. @param file tokenizer.json; where there is none, one is made of the vocabulary. @throws
 * InvalidConfigurationError, UnsupportedModelError, CheckpointFileMissingError.
 */
export async function effectiveTokenizer(
  folder: string,
  file: string | undefined,
  config: TokenizerConfig,
  settings: TokenizerSettings,
): Promise<EffectiveTokenizer> {
  const said = settings.config['tokenizer_class'];
  const name = tokenizerClassName(
    config.tokenizer_class ?? (typeof said === 'string' ? said : undefined),
    settings.config['model_type'],
  );
  const kind = tokenizerClass(name);
  const json = file ?? (await buildTokenizer(folder, name, config));
  const parsed = parseJson(json);
  const limit = config.model_max_length ?? config.max_len ?? undefined;
  const tokenizer = tokenizerSchema.safeParse(parsed).data;
  const maxTokens = limit === undefined || limit > LONGEST ? undefined : Math.floor(limit);
  // What is not a tokenizer at all is refused by the reader of tokenizers, with its place in the file.
  if (tokenizer === undefined) return { json, parsed, truncationSide: 'right', maxTokens };
  if (kind.usesTypes && settings.config['type_vocab_size'] !== 1) refuseTypes(tokenizer.post_processor);
  let changed: TokenizerJson = tokenizer;
  const change = (part: Partial<TokenizerJson>): void => {
    changed = { ...changed, ...part };
  };
  // One that was made of the vocabulary has all this in it.
  if (file !== undefined) {
    const added = await addedTokens(folder, tokenizer, config, kind);
    if (added !== tokenizer.added_tokens) change({ added_tokens: [...added] });
    const normalizer = bertNormalizer(changed.normalizer, kind.normalizer, config);
    if (normalizer !== changed.normalizer) change({ normalizer });
    const preTokenizer = prefixSpace(changed.pre_tokenizer, config.add_prefix_space ?? false);
    if (preTokenizer !== changed.pre_tokenizer) change({ pre_tokenizer: preTokenizer });
  }
  if (settings.casing === 'lower-casing') change({ normalizer: lowerCasing(changed.normalizer) });
  if (changed.normalizer !== tokenizer.normalizer)
    change({ added_tokens: [...foundTokens(changed.added_tokens ?? [], tokenizer.normalizer, changed.normalizer)] });
  return {
    ...(changed === tokenizer ? { json, parsed } : { json: `${JSON.stringify(changed)}\n`, parsed: changed }),
    truncationSide: config.truncation_side ?? (tokenizer.truncation?.direction === 'Left' ? 'left' : 'right'),
    maxTokens,
  };
}

/**
 * transformers looks for a normalised added token in the form that the file's own normaliser gives it, in a text that
 * the changed one has gone through. One that such a text cannot hold is left out; its id stays the piece's.
 * @throws UnsupportedModelError where no tokenizer.json can say what it does.
 */
function foundTokens(added: readonly AddedToken[], before: Step, after: Step): readonly AddedToken[] {
  return added.filter(({ normalized, content }) => {
    if (!normalized) return true;
    const wanted = caseForm(before, content);
    if (caseForm(after, wanted) !== wanted) return false;
    if (caseForm(after, content) !== wanted)
      throw new UnsupportedModelError(
        'a casing that the files beside tokenizer.json change, with the normalised added token',
        content,
        ['added tokens with "normalized": false'],
      );
    return true;
  });
}

/** What a normaliser does to letters. */
function caseForm(normalizer: Step, text: string): string {
  const steps = [normalizer, ...(checkedSteps(normalizer) ?? [])];
  return steps.reduce((value, step) => {
    if (step?.type === 'Lowercase') return value.toLowerCase();
    if (step?.type !== 'BertNormalizer') return value;
    const lowercase = step['lowercase'] ?? true;
    const bare = (step['strip_accents'] ?? lowercase) === true ? value.normalize('NFD').replace(/\p{Mn}/gu, '') : value;
    return lowercase === true ? bare.toLowerCase() : bare;
  }, text);
}

/** Every token of a text has type 0 here. @throws UnsupportedModelError for a template that gives another type. */
function refuseTypes(postProcessor: unknown): void {
  const steps = z.looseObject({ processors: z.array(z.unknown()) }).safeParse(postProcessor).data?.processors;
  for (const step of steps ?? [postProcessor]) {
    const single = templateSchema.safeParse(step).data?.single ?? [];
    const wrong = single.flatMap((part) => Object.values(part)).find(({ type_id }) => (type_id ?? 0) !== 0);
    if (wrong !== undefined)
      throw new UnsupportedModelError('tokenizer.json: post_processor with type_id', shown(wrong.type_id), ['0']);
  }
}
const templateSchema = z.looseObject({
  single: z.array(z.record(z.string(), z.looseObject({ type_id: z.int().nullish() }))).nullish(),
});

/** transformers writes 1e30 where a tokenizer has no limit; no model reads a billion tokens. */
const LONGEST = 1e9;

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

async function addedTokens(
  folder: string,
  { added_tokens, model }: TokenizerJson,
  config: TokenizerConfig,
  { tokens: defaults }: TokenizerClass,
): Promise<readonly AddedToken[]> {
  const added = added_tokens ?? [];
  const own = config.added_tokens_decoder ?? undefined;
  const special = new Map<string, NamedToken>();
  const additional: NamedToken[] = [...(config[ADDITIONAL_TOKENS] ?? [])];
  const add = (attribute: string, value: unknown, file: string): void => {
    if (value !== null && value !== undefined) special.set(attribute, checked(file, value, namedTokenSchema));
  };
  for (const attribute of SPECIAL_TOKEN_ATTRIBUTES) add(attribute, config[attribute], TOKENIZER_CONFIG);
  additional.push(...Object.values(config.extra_special_tokens ?? {}));
  // Files from before transformers 4.34 keep the tokens beside the configuration.
  const map = own === undefined ? await readJson(folder, SPECIAL_TOKENS_MAP, z.record(z.string(), z.unknown())) : {};
  for (const [attribute, value] of Object.entries(map ?? {})) {
    if (attribute === ADDITIONAL_TOKENS) additional.push(...(checked(SPECIAL_TOKENS_MAP, value, namedTokens) ?? []));
    else if (SPECIAL_TOKEN_ATTRIBUTES.some((name) => name === attribute)) add(attribute, value, SPECIAL_TOKENS_MAP);
  }
  const decoder =
    own === undefined
      ? await oldAddedTokens(folder, added, [...special.values(), ...additional].map(textOf))
      : Object.entries(own)
          .map(([id, token]) => ({ ...token, id: Number(id) }))
          .sort((a, b) => a.id - b.id);
  const pieces = pieceIds(model.vocab);
  return addTokens(
    added,
    tokensToAdd({ added, decoder, special, additional, defaults }),
    (piece) => pieces.get(piece),
    pieces.size,
  );
}

/** Those of added_tokens.json, with those of tokenizer.json in place of the ones with the same id. */
async function oldAddedTokens(
  folder: string,
  added: readonly AddedToken[],
  special: readonly string[],
): Promise<readonly WantedToken[] | undefined> {
  const ids = await readJson(folder, ADDED_TOKENS, z.record(z.string(), z.int().nonnegative()));
  if (ids === undefined) return undefined;
  const old = Object.entries(ids).map(([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: !special.includes(content),
    special: special.includes(content),
  }));
  const taken = new Set(added.map(({ id }) => id));
  return [...added, ...old.filter(({ id }) => !taken.has(id))].sort((a, b) => a.id - b.id);
}

/** Piece → id: of an object of ids (WordPiece, BPE) or a list of [piece, score] (Unigram). */
function pieceIds(vocabulary: unknown): ReadonlyMap<string, number> {
  if (Array.isArray(vocabulary))
    return new Map(
      vocabulary.map((entry: unknown, id) => [
        String(Array.isArray(entry) ? (entry as readonly unknown[])[0] : id),
        id,
      ]),
    );
  return new Map(Object.entries((vocabulary ?? {}) as Readonly<Record<string, number>>));
}

type Step = TokenizerJson['normalizer'];

/** Replaced where the entries of tokenizer_config.json, or the class's defaults, say something else. */
function bertNormalizer(normalizer: Step, rule: TokenizerClass['normalizer'], config: TokenizerConfig): Step {
  if (normalizer?.type !== 'BertNormalizer' || rule === 'as it is') return normalizer;
  const lowercase = config.do_lower_case ?? true;
  const strip_accents = config.strip_accents ?? null;
  const chinese = normalizer['handle_chinese_chars'] ?? true;
  const handle_chinese_chars = rule === 'all' ? (config.tokenize_chinese_chars ?? true) : chinese;
  const before = normalizer['lowercase'] ?? true;
  const isSame =
    before === lowercase &&
    (normalizer['strip_accents'] ?? before) === (strip_accents ?? lowercase) &&
    chinese === handle_chinese_chars;
  return isSame ? normalizer : { ...normalizer, lowercase, strip_accents, handle_chinese_chars };
}

/** A byte-level pre-tokenizer puts a space before the text where the configuration asks for it. */
function prefixSpace(preTokenizer: Step, wanted: boolean): Step {
  if (preTokenizer?.type !== 'ByteLevel' || (preTokenizer['add_prefix_space'] ?? wanted) === wanted)
    return preTokenizer;
  return { ...preTokenizer, add_prefix_space: wanted };
}

/**
 * sentence-transformers 5.7 puts a lower-casing step before the tokenizer's own normaliser, where that does not begin
 * with one; special tokens that the text spells are found before it.
 */
function lowerCasing(normalizer: Step): NonNullable<Step> {
  // strip_accents null means "as lowercase says": write the old value down before lowercase changes.
  if (normalizer?.type === 'BertNormalizer')
    return {
      ...normalizer,
      lowercase: true,
      strip_accents: normalizer['strip_accents'] ?? normalizer['lowercase'] ?? true,
    };
  if (normalizer === null || normalizer === undefined) return { type: 'Lowercase' };
  if (normalizer.type === 'Lowercase') return normalizer;
  if (normalizer.type !== 'Sequence') return { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, normalizer] };
  const steps = checkedSteps(normalizer) ?? [];
  if (steps.some(({ type }) => type === 'Lowercase')) return normalizer;
  return { ...normalizer, normalizers: [{ type: 'Lowercase' }, ...steps] };
}

/** The steps of a Sequence. */
function checkedSteps(normalizer: Step): readonly NonNullable<Step>[] | undefined {
  const steps = normalizer?.['normalizers'];
  return steps === undefined
    ? undefined
    : checked('tokenizer.json', steps, z.array(z.looseObject({ type: z.string() })));
}
