import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import type { TensorEntry } from '@kimera/safetensors';
import { openSafetensors, tensorSource, UnsupportedModelError, type TensorSource } from '@kimera/tensor-file';
import { openTorch } from '@kimera/torch-file';
import { z } from 'zod';
import { InvalidConfigurationError } from '../errors.js';
import { type Accounting, shown } from './accounting.js';
import { readJson, readText } from './json-file.js';

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_FILES = ['adapter_model.safetensors', 'adapter_model.bin'] as const;
/** What peft puts before the names of the model's own modules. */
const PREFIX = 'base_model.model.';

const pattern = z.record(z.string(), z.number().positive()).nullish();
const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive().default(8),
  lora_alpha: z.number().positive().default(8),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  bias: z.string().default('none'),
  lora_bias: z.boolean().nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  init_lora_weights: z.unknown().optional(),
});
type AdapterConfig = z.infer<typeof schema>;

/**
 * Keys that say how it was trained or which modules have one; which have is told by the tensors of the file
 * (peft 0.18, `LoraConfig`).
 */
const TRAINING_KEYS = [
  'auto_mapping',
  'base_model_class',
  'corda_config',
  'eva_config',
  'exclude_modules',
  'inference_mode',
  'layers_pattern',
  'layers_to_transform',
  'lora_dropout',
  'loftq_config',
  'megatron_config',
  'megatron_core',
  'modules_to_save',
  'parent_library',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
  'target_modules',
  'task_type',
  'ensure_weight_tying',
];
/** Keys that change the arithmetic where they are not at this value. */
const PLAIN: readonly (readonly [string, readonly unknown[]])[] = [
  ['use_dora', [false]],
  ['fan_in_fan_out', [false]],
  ['lora_bias', [false]],
  ['use_qalora', [false]],
  ['layer_replication', [null]],
  ['trainable_token_indices', [null]],
  ['target_parameters', [null]],
  ['arrow_config', [null]],
  ['alora_invocation_tokens', [null]],
  ['use_bdlora', [null, false]],
];
/** Initial weights that come out of the base's, which peft then changes too: the base beside it is not the base. */
const CHANGES_BASE = /^(?:pissa|olora|corda|loftq)/;

/** A low-rank change of one matrix: W + scale · B·A. */
interface Change {
  /** [R, I]. */
  readonly a: Float32Array;
  /** [O, R]. */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
  /** Of an embedding, A and B are stored the other way round. */
  readonly isEmbedding: boolean;
}

/**
 * The base with the LoRA adapter that lies beside it, where one does: sentence-transformers and transformers apply it.
 * The caller closes the source. @throws UnsupportedModelError for an adapter that is not plain LoRA,
 * InvalidConfigurationError for tensors that change none of the base's, UnknownKeyError.
 */
export async function withAdapter(folder: string, base: TensorSource, accounting: Accounting): Promise<TensorSource> {
  const config = await readJson(folder, ADAPTER_CONFIG, schema);
  if (config === undefined) return base;
  checkPlain(config, accounting);
  const adapter = await openAdapter(folder);
  try {
    const merged = await merge(base, adapter, config);
    accounting.note(
      `${ADAPTER_CONFIG}: the LoRA adapter is merged into the weights beside it${typeof config.base_model_name_or_path === 'string' ? `; it names ${shown(config.base_model_name_or_path)} as its base` : ''}`,
    );
    return merged;
  } finally {
    await adapter.close();
  }
}

/**
 * sentence-transformers 5.7 looks for an adapter at the top of the checkpoint alone: whether one in the folder of the
 * Transformer is meant to be applied, nobody can say. @throws UnsupportedModelError.
 */
export async function refuseAdapterInside(folder: string): Promise<void> {
  if ((await readText(folder, ADAPTER_CONFIG)) !== undefined)
    throw new UnsupportedModelError('an adapter in the folder of the Transformer', join(folder, ADAPTER_CONFIG), [
      'an adapter at the top of the checkpoint, beside its base',
    ]);
}

function checkPlain(config: AdapterConfig, accounting: Accounting): void {
  if (config.peft_type !== 'LORA')
    throw new UnsupportedModelError(`${ADAPTER_CONFIG}: peft_type`, config.peft_type, ['LORA']);
  const known = [...Object.keys(schema.shape), ...TRAINING_KEYS, ...PLAIN.map(([key]) => key)];
  // peft writes every feature that it knows; those that are off change nothing.
  const on = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null && value !== false));
  accounting.account(ADAPTER_CONFIG, on, known);
  for (const [key, plain] of PLAIN) {
    const value = config[key] ?? null;
    if (value !== null && value !== false && !plain.includes(value))
      throw new UnsupportedModelError(`${ADAPTER_CONFIG}: ${key}`, shown(value), ['plain LoRA']);
  }
  if (typeof config.init_lora_weights === 'string' && CHANGES_BASE.test(config.init_lora_weights))
    throw new UnsupportedModelError(`${ADAPTER_CONFIG}: init_lora_weights`, config.init_lora_weights, [
      'true',
      'false',
      'gaussian',
      'eva',
      'orthogonal',
    ]);
}

async function openAdapter(folder: string): Promise<TensorSource> {
  const open = { 'adapter_model.safetensors': openSafetensors, 'adapter_model.bin': openTorch };
  for (const name of ADAPTER_FILES) {
    const source = await ifPresent(() => open[name](join(folder, name)));
    if (source !== undefined) return source;
  }
  throw new InvalidConfigurationError(ADAPTER_CONFIG, `neither ${ADAPTER_FILES.join(' nor ')} lies beside it`);
}

async function merge(base: TensorSource, adapter: TensorSource, config: AdapterConfig): Promise<TensorSource> {
  const changes = new Map<string, Change>();
  const replaced = new Map<string, Float32Array>();
  const baseName = nameIn(base);
  for (const name of adapter.names) {
    const short = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    const low = /^(.+)\.lora_(?:(A)\.weight|embedding_(A))$/.exec(short);
    if (low !== null) {
      const [, module = ''] = low;
      const other = name.replace(/lora_(embedding_)?A/, 'lora_$1B');
      const target = baseName(`${module}.weight`, name);
      changes.set(target, await readChange(adapter, name, other, module, config, low[3] !== undefined));
      checkShape(name, target, base, changes.get(target) as Change);
    } else if (/\.lora_(?:B\.weight|embedding_B)$/.test(short)) {
      if (!adapter.names.includes(name.replace(/lora_(embedding_)?B/, 'lora_$1A')))
        throw new InvalidConfigurationError(ADAPTER_CONFIG, `the adapter has ${name} without its A`);
    } else if (short.includes('.lora_')) {
      throw new UnsupportedModelError('a tensor of the adapter', name, ['lora_A', 'lora_B']);
    } else {
      // modules_to_save and trained biases: the whole tensor instead of the base's.
      const target = baseName(short.replace('.base_layer.', '.').replace('.modules_to_save.default.', '.'), name);
      if (base.shape(target)?.join() !== adapter.shape(name)?.join())
        throw new InvalidConfigurationError(ADAPTER_CONFIG, `${name} has another shape than ${target} of the base`);
      replaced.set(target, await adapter.read(name));
    }
  }
  if (changes.size + replaced.size === 0)
    throw new InvalidConfigurationError(ADAPTER_CONFIG, 'the adapter changes no tensor of the base');
  return mergedSource(base, changes, replaced);
}

/** The name that a module's tensor has in the base: as it is, or with the prefix of a model with a head. */
function nameIn(base: TensorSource): (module: string, adapterName: string) => string {
  const prefix = /^(.*?)(?:embeddings|encoder|transformer)\./.exec(
    base.names.find((name) => /(?:^|\.)embeddings\./.test(name)) ?? '',
  )?.[1];
  return (module, adapterName) => {
    const found = [module, `${prefix ?? ''}${module}`].find((candidate) => base.names.includes(candidate));
    if (found === undefined)
      throw new InvalidConfigurationError(
        ADAPTER_CONFIG,
        `the adapter changes ${adapterName}, and the base has no tensor ${module}`,
      );
    return found;
  };
}

async function readChange(
  adapter: TensorSource,
  nameOfA: string,
  nameOfB: string,
  module: string,
  config: AdapterConfig,
  isEmbedding: boolean,
): Promise<Change> {
  const [shapeOfA, shapeOfB] = [adapter.shape(nameOfA) ?? [], adapter.shape(nameOfB)];
  if (shapeOfB === undefined) throw new InvalidConfigurationError(ADAPTER_CONFIG, `the adapter has no ${nameOfB}`);
  const rank = (shapeOfA[0] as number) || 0;
  if (shapeOfA.length !== 2 || shapeOfB.length !== 2 || shapeOfB[1] !== rank)
    throw new InvalidConfigurationError(
      ADAPTER_CONFIG,
      `${nameOfA} has shape [${shapeOfA.join(', ')}] and its B [${shapeOfB.join(', ')}]`,
    );
  const said = ofPattern(config.rank_pattern, module) ?? config.r;
  if (said !== rank)
    throw new InvalidConfigurationError(ADAPTER_CONFIG, `the rank of ${module} is ${said}, its tensors have ${rank}`);
  const alpha = ofPattern(config.alpha_pattern, module) ?? config.lora_alpha;
  return {
    a: await adapter.read(nameOfA),
    b: await adapter.read(nameOfB),
    rank,
    scale: alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank),
    isEmbedding,
  };
}

/** A pattern's key is a regular expression that the end of the module's name fulfils (peft, `get_pattern_key`). */
function ofPattern(patterns: AdapterConfig['rank_pattern'], module: string): number | undefined {
  for (const [key, value] of Object.entries(patterns ?? {})) {
    let matches;
    try {
      matches = new RegExp(`^(?:.*\\.)?(?:${key})$`).test(module);
    } catch {
      throw new InvalidConfigurationError(ADAPTER_CONFIG, `${shown(key)} is not a regular expression`);
    }
    if (matches) return value;
  }
  return undefined;
}

function checkShape(name: string, target: string, base: TensorSource, { a, b, rank, isEmbedding }: Change): void {
  const [rows, columns] = base.shape(target) ?? [];
  const [first, second] = [b.length / rank, a.length / rank];
  const [expectedRows, expectedColumns] = isEmbedding ? [second, first] : [first, second];
  if (rows !== expectedRows || columns !== expectedColumns)
    throw new InvalidConfigurationError(
      ADAPTER_CONFIG,
      `${name} changes a matrix of [${expectedRows}, ${expectedColumns}], ${target} has [${String(rows)}, ${String(columns)}]`,
    );
}

/** Tensors that are changed are computed when they are read and have no place in a file. */
function mergedSource(
  base: TensorSource,
  changes: ReadonlyMap<string, Change>,
  replaced: ReadonlyMap<string, Float32Array>,
): TensorSource {
  const isOwn = (name: string): boolean => changes.has(name) || replaced.has(name);
  return tensorSource({
    names: base.names,
    entry(name) {
      const entry = base.entry(name);
      return entry !== undefined && isOwn(name) ? ({ ...entry, type: 'F32' } satisfies TensorEntry) : entry;
    },
    async bytes(name, range, memory) {
      if (!isOwn(name)) return base.bytes(name, range, memory);
      const whole = replaced.get(name);
      const values = new Float32Array(
        whole === undefined ? await base.read(name, range) : whole.subarray(range.from, range.from + range.count),
      );
      const change = changes.get(name);
      if (change !== undefined) addChange(values, range.from, base.shape(name)?.[1] as number, change);
      return new Uint8Array(values.buffer);
    },
    location: (name) => (isOwn(name) ? Promise.resolve(undefined) : base.location(name)),
    close: () => base.close(),
  });
}

/** Adds scale · B·A, elements [from, from + values.length) in row-major order. @param width I, columns of the matrix. */
function addChange(
  values: Float32Array,
  from: number,
  width: number,
  { a, b, rank, scale, isEmbedding }: Change,
): void {
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor((from + i) / width);
    const column = (from + i) % width;
    let sum = 0;
    for (let k = 0; k < rank; k++)
      sum += isEmbedding
        ? (b[column * rank + k] as number) * (a[k * (a.length / rank) + row] as number)
        : (b[row * rank + k] as number) * (a[k * width + column] as number);
    values[i] = (values[i] as number) + scale * sum;
  }
}
