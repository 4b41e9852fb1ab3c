import { join } from 'node:path';
import { z } from 'zod';
import { UnsupportedModelError } from '@kimera/tensor-file';
import { InvalidConfigurationError, NotAnEmbeddingModelError, PrecisionError } from '../errors.js';
import { type Accounting, shown } from './accounting.js';
import { checked, readJson } from './json-file.js';

/**
 * Names of the Transformer module's configuration; the first that is there and not empty is read (sentence-transformers
 * 5.7, `Transformer.load_config`).
 */
export const TRANSFORMER_CONFIGS: readonly string[] = [
  'sentence_bert_config.json',
  'sentence_roberta_config.json',
  'sentence_distilbert_config.json',
  'sentence_camembert_config.json',
  'sentence_albert_config.json',
  'sentence_xlm-roberta_config.json',
  'sentence_xlnet_config.json',
];

type Settings = Readonly<Record<string, unknown>>;
const settings = z.record(z.string(), z.unknown());

const schema = z.looseObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
  transformer_task: z.string().nullish(),
  module_output_name: z.string().nullish(),
  modality_config: settings.nullish(),
  processing_kwargs: settings.nullish(),
  tokenizer_name_or_path: z.string().nullish(),
});
/** Settings that go into config.json, the tokenizer's configuration and the loading of the model: old and new name. */
const CONFIG_SETTINGS = ['config_args', 'config_kwargs'];
const TOKENIZER_SETTINGS = ['tokenizer_args', 'processor_kwargs'];
/** How the references load the weights: a folder of graphs has none to load. */
export const MODEL_SETTINGS = ['model_args', 'model_kwargs'];
/** `unpad_inputs` and `backend` say how the same numbers are computed. */
const KNOWN = [...Object.keys(schema.shape), ...CONFIG_SETTINGS, ...TOKENIZER_SETTINGS, ...MODEL_SETTINGS].concat(
  'unpad_inputs',
  'backend',
);
/** Ways of loading that give the same model, up to the precision of its arithmetic. */
const MODEL_KEYS = [
  'attn_implementation',
  'device_map',
  'dtype',
  'torch_dtype',
  'low_cpu_mem_usage',
  'use_safetensors',
  'add_pooling_layer',
  'trust_remote_code',
  'use_cache',
  'provider',
  'file_name',
  'export',
];
/** Where files are looked for: the folder is at hand. */
export const LOADING_KEYS = [
  'trust_remote_code',
  'cache_dir',
  'cache_folder',
  'token',
  'use_auth_token',
  'local_files_only',
  'force_download',
];

/** What a Transformer module's configuration says beyond config.json and the tokenizer's files. */
export interface TransformerConfig {
  /** `max_seq_length`. */
  readonly maxTokens: number | undefined;
  /** Tokens at which texts are cut whatever the tokenizer's own limit (`processing_kwargs.text.max_length`). */
  readonly cutAt: number | undefined;
  readonly casing: 'lower-casing' | 'as it is';
  /** Entries that replace those of tokenizer_config.json. */
  readonly tokenizer: Settings;
  /** Entries that replace those of config.json. */
  readonly config: Settings;
}

/** Of a checkpoint without such a file. */
export const NO_TRANSFORMER_CONFIG: TransformerConfig = {
  maxTokens: undefined,
  cutAt: undefined,
  casing: 'as it is',
  tokenizer: {},
  config: {},
};

/** @throws InvalidConfigurationError, UnsupportedModelError, NotAnEmbeddingModelError, UnknownKeyError. */
export async function readTransformerConfig(folder: string, accounting: Accounting): Promise<TransformerConfig> {
  for (const name of TRANSFORMER_CONFIGS) {
    const value = await readJson(folder, name, schema);
    if (value === undefined || Object.keys(value).length === 0) continue;
    accounting.account(name, value, KNOWN);
    checkTask(join(folder, name), name, value);
    if (typeof value.tokenizer_name_or_path === 'string')
      throw new UnsupportedModelError(`${name}: tokenizer_name_or_path`, value.tokenizer_name_or_path, [
        'the tokenizer of the folder itself',
      ]);
    const model = settingsOf(name, value, MODEL_SETTINGS);
    accounting.account(name, model, [...MODEL_KEYS, ...LOADING_KEYS]);
    checkPrecision(name, model, accounting);
    return {
      maxTokens: value.max_seq_length ?? undefined,
      cutAt: processing(name, value.processing_kwargs ?? {}, accounting),
      casing: value.do_lower_case === true ? 'lower-casing' : 'as it is',
      tokenizer: without(settingsOf(name, value, TOKENIZER_SETTINGS), LOADING_KEYS),
      config: without(settingsOf(name, value, CONFIG_SETTINGS), LOADING_KEYS),
    };
  }
  return NO_TRANSFORMER_CONFIG;
}

/**
 * float16 moves a vector by less than a hundred-thousandth (cosine); bfloat16 by more, so that its vectors are others.
 * @throws UnknownKeyError for any other precision than float32 and float16, unless it is passed over.
 */
function checkPrecision(name: string, model: Settings, accounting: Accounting): void {
  for (const key of ['torch_dtype', 'dtype']) {
    const dtype = model[key] ?? 'float32';
    if (dtype === 'float32' || dtype === 'auto') continue;
    if (dtype !== 'float16' && !accounting.isIgnored(name, key)) throw new PrecisionError(name, key, shown(dtype));
    accounting.note(
      `${name} asks sentence-transformers to compute in ${shown(dtype)}; the vectors here are computed in float32 from the weights as they are stored`,
    );
  }
}

function checkTask(path: string, name: string, value: z.infer<typeof schema>): void {
  const task = value.transformer_task ?? 'feature-extraction';
  if (task === 'sequence-classification' || task === 'text-generation' || task === 'any-to-any')
    throw new NotAnEmbeddingModelError(path, 'a cross-encoder', `transformer_task ${shown(task)}`);
  if (task === 'fill-mask')
    throw new NotAnEmbeddingModelError(path, 'a sparse model (SPLADE)', `transformer_task ${shown(task)}`);
  if (task !== 'feature-extraction')
    throw new UnsupportedModelError(`${name}: transformer_task`, task, ['feature-extraction']);
  const output = value.module_output_name ?? 'token_embeddings';
  if (output !== 'token_embeddings')
    throw new UnsupportedModelError(`${name}: module_output_name`, output, ['token_embeddings']);
  if (value.modality_config === undefined || value.modality_config === null) return;
  const text = checked(
    `${name}: modality_config.text`,
    value.modality_config['text'] ?? {},
    z.looseObject({ method: z.string().default('forward'), method_output_name: z.string().default('') }),
  );
  const others = Object.keys(value.modality_config).filter((key) => key !== 'text');
  if (others.length > 0) throw new UnsupportedModelError(`${name}: modality_config`, others.join(', '), ['text']);
  if (text.method !== 'forward')
    throw new UnsupportedModelError(`${name}: modality_config.text.method`, text.method, ['forward']);
  if (text.method_output_name !== 'last_hidden_state')
    throw new UnsupportedModelError(`${name}: modality_config.text.method_output_name`, text.method_output_name, [
      'last_hidden_state',
    ]);
}

/** How the tokenizer is called. @returns the tokens at which texts are cut, where said. */
function processing(name: string, value: Settings, accounting: Accounting): number | undefined {
  accounting.account(name, value, ['common', 'text', 'audio', 'image', 'video', 'chat_template']);
  const shape = z.looseObject({
    max_length: z.int().positive().nullish(),
    truncation: z.union([z.boolean(), z.string()]).nullish(),
    add_special_tokens: z.boolean().nullish(),
    stride: z.int().nullish(),
  });
  // A call's own settings come before those that all kinds of input share.
  const text = checked(
    name,
    { ...settings.parse(value['common'] ?? {}), ...settings.parse(value['text'] ?? {}) },
    shape,
  );
  accounting.account(name, text, [
    ...Object.keys(shape.shape),
    'padding',
    'pad_to_multiple_of',
    'padding_side',
    'return_tensors',
    'return_attention_mask',
    'return_token_type_ids',
    'verbose',
  ]);
  if (text.add_special_tokens === false)
    throw new UnsupportedModelError(`${name}: processing_kwargs.text.add_special_tokens`, 'false', ['true']);
  const cut = text.truncation ?? true;
  if (cut !== true && cut !== 'longest_first' && cut !== 'only_first')
    throw new UnsupportedModelError(`${name}: processing_kwargs.text.truncation`, String(cut), [
      'true',
      'longest_first',
      'only_first',
    ]);
  return text.max_length ?? undefined;
}

/** @throws InvalidConfigurationError where the old and the new name are both there, or not an object. */
function settingsOf(file: string, value: Settings, [old = '', current = '']: readonly string[]): Settings {
  if (value[old] !== undefined && value[current] !== undefined)
    throw new InvalidConfigurationError(file, `${old} and ${current} are two names of one thing, and both are there`);
  return checked(file, value[old] ?? value[current] ?? {}, settings);
}

function without(value: Settings, keys: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
