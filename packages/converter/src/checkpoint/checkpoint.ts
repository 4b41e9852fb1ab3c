import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { POOLINGS, type Pooling, type Role } from '@kimera/core';
import { z } from 'zod';
import { CheckpointFileMissingError, InvalidConfigurationError, UnsupportedModelError } from '../errors/checkpoint-errors.js';
import { openSafetensors } from './safetensors.js';
import type { TensorSource } from './tensor-source.js';

/** A Hugging Face folder: configuration, sentence-transformers modules, tensors. */
export interface Checkpoint {
  readonly folder: string;
  /** config.json, checked by the architecture. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly pooling: readonly Pooling[];
  readonly normalize: boolean;
  readonly prompts: Readonly<Record<Role, string>>;
  /** Tokens a text may have, or undefined where no file says. */
  readonly maxTokens: number | undefined;
  readonly tokenizerJson: string;
  readonly tensors: TensorSource;
}

const moduleSchema = z.array(z.object({ idx: z.int(), path: z.string(), type: z.string() }));
const poolingSchema = z.looseObject({ pooling_mode: z.union([z.string(), z.array(z.string())]).optional(), include_prompt: z.boolean().nullish() });
const transformerSchema = z.looseObject({ max_seq_length: z.int().positive().nullish(), do_lower_case: z.boolean().nullish() });
const tokenizerConfigSchema = z.looseObject({ model_max_length: z.number().positive().nullish() });
const promptsSchema = z.looseObject({ prompts: z.record(z.string(), z.string()).nullish() });

/** The old style of 1_Pooling/config.json: one flag a kind, concatenated in this order (sentence-transformers 5.7, Pooling.py). */
const POOLING_FLAGS: readonly (readonly [string, Pooling])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken'],
];

/** @throws CheckpointFileMissingError, InvalidConfigurationError, UnsupportedModelError, InvalidCheckpointError. */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readJson(folder, 'config.json', z.record(z.string(), z.unknown()));
  if (config === undefined) throw new CheckpointFileMissingError(folder, 'config.json');
  const modules = await readModules(folder);
  const transformer = await readJson(folder, 'sentence_bert_config.json', transformerSchema);
  // sentence-transformers then lower-cases the text itself, which no tokenizer.json says.
  if (transformer?.do_lower_case === true) throw new UnsupportedModelError('do_lower_case', 'true', ['false']);
  const tokenizerConfig = await readJson(folder, 'tokenizer_config.json', tokenizerConfigSchema);
  const modelLimit = tokenizerConfig?.model_max_length ?? undefined;
  const prompts = (await readJson(folder, 'config_sentence_transformers.json', promptsSchema))?.prompts ?? {};
  const tokenizerJson = await readText(folder, 'tokenizer.json');
  if (tokenizerJson === undefined) throw new CheckpointFileMissingError(folder, 'tokenizer.json');
  const weights = join(folder, 'model.safetensors');
  const tensors = await openSafetensors(weights).catch((error: unknown) => {
    if (isAbsent(error)) throw new CheckpointFileMissingError(folder, 'model.safetensors');
    throw error;
  });
  return {
    folder,
    config,
    ...modules,
    prompts: { query: prompts['query'] ?? '', document: prompts['document'] ?? prompts['passage'] ?? '' },
    // transformers writes 1e30 where a tokenizer has no limit.
    maxTokens: transformer?.max_seq_length ?? (modelLimit !== undefined && modelLimit < 1e9 ? modelLimit : undefined),
    tokenizerJson,
    tensors,
  };
}

async function readModules(folder: string): Promise<{ readonly pooling: readonly Pooling[]; readonly normalize: boolean }> {
  const modules = await readJson(folder, 'modules.json', moduleSchema);
  // Without modules.json sentence-transformers takes mean pooling and does not normalise.
  if (modules === undefined) return { pooling: ['mean'], normalize: false };
  const kinds = modules.map(({ type }) => type.split('.').at(-1));
  const supported = ['Transformer, Pooling', 'Transformer, Pooling, Normalize'];
  if (!supported.includes(kinds.join(', '))) throw new UnsupportedModelError('the module chain', kinds.join(', '), supported);
  const path = join(modules[1]?.path ?? '', 'config.json');
  const pooling = await readJson(folder, path, poolingSchema);
  if (pooling === undefined) throw new CheckpointFileMissingError(folder, path);
  if (pooling.include_prompt === false) throw new UnsupportedModelError('include_prompt', 'false', ['true']);
  return { pooling: poolingKinds(pooling, path), normalize: kinds.length === 3 };
}

function poolingKinds(config: z.infer<typeof poolingSchema>, path: string): readonly Pooling[] {
  if (config.pooling_mode === undefined) {
    const kinds = POOLING_FLAGS.filter(([flag]) => config[flag] === true).map(([, kind]) => kind);
    if (kinds.length === 0) throw new InvalidConfigurationError(path, 'no pooling mode is set');
    return kinds;
  }
  return [config.pooling_mode].flat().map((name) => {
    const kind = POOLINGS.find((candidate) => candidate === name);
    if (kind === undefined) throw new UnsupportedModelError('pooling', name, POOLINGS);
    return kind;
  });
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidConfigurationError(name, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidConfigurationError(name, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
