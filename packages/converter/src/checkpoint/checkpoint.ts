import { join } from 'node:path';
import type { Pooling, Role } from '@kimera/core';
import type { ModuleChain, TokenHeads } from '@kimera/reference-encoder';
import { UnsupportedModelError, type TensorSource } from '@kimera/tensor-file';
import { VERIFY_ALL, type Checksums } from '@kimera/torch-file';
import { z } from 'zod';
import { architectureOf } from '../architectures/architecture-of.js';
import { NotAnEmbeddingModelError, RemoteCodeError } from '../errors.js';
import { Accounting, shown } from './accounting.js';
import { refuseAdapterInside, withAdapter } from './adapter.js';
import { joinTensors } from './joined-tensors.js';
import { readJson, readText } from './json-file.js';
import { missingConfig } from './missing-config.js';
import { readModules } from './modules.js';
import { openWeights } from './open-weights.js';
import { readModelConfig, type ModelConfig, type Similarity } from './model-config.js';
import { withoutWrappers } from './renamed-tensors.js';
import { openTokenHeads } from './token-heads.js';
import { readTrainedDimensions } from './trained-dimensions.js';
import { effectiveTokenizer, readTokenizerConfig, type EffectiveTokenizer } from './tokenizer/effective-tokenizer.js';
import { ignoredTokenIds } from './tokenizer/ignored-ids.js';
import {
  NO_TRANSFORMER_CONFIG,
  readTransformerConfig,
  TRANSFORMER_CONFIGS,
  type TransformerConfig,
} from './transformer-config.js';

/** A Hugging Face folder: configuration, sentence-transformers modules, tensors. */
export interface Checkpoint {
  readonly folder: string;
  /** Where config.json, the tokenizer and the weights lie: `folder`, or the folder that modules.json names. */
  readonly transformer: string;
  /** config.json with what sentence_bert_config.json puts into it, checked by the architecture. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly modules: ModuleChain;
  /** Folders of the modules after the Transformer, inside `folder`. */
  readonly moduleFolders: readonly string[];
  readonly heads: TokenHeads;
  readonly prompts: Readonly<Record<Role, string>>;
  /** Prompts under other names: name → text. */
  readonly namedPrompts: Readonly<Record<string, string>>;
  /** Name of the prompt that a text gets where the caller names none. */
  readonly defaultRole: string | undefined;
  /** How vectors are compared, where a file says it. */
  readonly similarity: Similarity | undefined;
  /** Numbers at the head of a vector that the files name as trained for. */
  readonly trainedDimensions: readonly number[];
  /** Tokens a text may have, or undefined where no file says. */
  readonly maxTokens: number | undefined;
  readonly truncationSide: 'right' | 'left';
  /** tokenizer.json with all that the files beside it change. */
  readonly tokenizerJson: string;
  /** tokenizer.json parsed; undefined where it was not read, or is not JSON. */
  readonly parsedTokenizer: unknown;
  /** By name; tensors of modules and heads are named `FOLDER_OR_FILE/NAME`. */
  readonly tensors: TensorSource;
  /** Keys that the caller passes over, each `FILE: KEY`. */
  readonly ignored: readonly string[];
  /** Sentences for the user: choices that were made, and what is not read. */
  readonly notes: readonly string[];
}

/** What the caller decides where the checkpoint leaves it open. */
export interface CheckpointChoices {
  /** Keys that are passed over although nobody knows them: `KEY` or `FILE:KEY`. */
  readonly ignore?: readonly string[];
  /** For a checkpoint without modules.json. */
  readonly pooling?: Pooling;
  /** For a checkpoint without modules.json: whether vectors are divided by their norm. */
  readonly normalize?: boolean;
}

export interface OpenCheckpointOptions extends CheckpointChoices {
  /** Which torch files' checksums are verified; default: all. */
  readonly checksums?: Checksums;
  /** What the caller has read already, so that the tokenizer (17 MB in XLM-R) is not read again. */
  readonly known?: Pick<Checkpoint, 'tokenizerJson' | 'heads'>;
}

/**
 * Every file that sentence-transformers 5.7 and transformers 4.57 read is read, and every key in it accounted for:
 * docs/decisions/2026-11-30-checkpoint-reader.md.
 * @throws NoCheckpointError, CheckpointFileMissingError, InvalidConfigurationError, UnsupportedModelError,
 * UnknownKeyError, RemoteCodeError, NotAnEmbeddingModelError, NothingToIgnoreError, ChoiceNotOpenError, and the errors
 * of the weight formats.
 */
export async function openCheckpoint(
  folder: string,
  { checksums = VERIFY_ALL, known, ignore, ...choice }: OpenCheckpointOptions = {},
): Promise<Checkpoint> {
  const accounting = new Accounting(ignore);
  const modules = await readModules(folder, accounting, choice);
  const transformer = join(folder, modules.transformer);
  const file = await readJson(transformer, 'config.json', settings);
  if (file === undefined) throw await missingConfig(transformer);
  const isChained = modules.origin === 'modules.json';
  const transformerConfig = isChained
    ? await readTransformerConfig(transformer, accounting)
    : await unreadConfigs(transformer, accounting);
  const modelConfig = isChained ? await readModelConfig(folder, accounting) : NO_MODEL_CONFIG;
  const config = { ...file, ...transformerConfig.config };
  const architecture = architectureOf({ config });
  checkConfig(transformer, config, isChained, accounting);
  accounting.refuseUnknown('config.json', config, architecture.unknownConfigKeys(config));
  if (modules.width !== undefined && modules.width !== config['hidden_size'] && modules.width !== config['dim'])
    accounting.note(
      `the pooling's config.json names vectors of ${modules.width} numbers, config.json ${shown(config['hidden_size'] ?? config['dim'])}: the model's own count, as in sentence-transformers`,
    );
  const tokenizer =
    known === undefined
      ? await readTokenizer(transformer, transformerConfig, config, isChained, accounting)
      : undefined;
  const weights = withoutWrappers(await openWeights(transformer, checksums), accounting);
  /** Of the modules and the heads. */
  const parts = new Map<string, TensorSource>();
  try {
    if (modules.transformer !== '') await refuseAdapterInside(transformer);
    const main = await withAdapter(transformer, weights, accounting);
    for (const module of modules.chain.afterPooling) {
      if (module.kind !== 'dense' || parts.has(module.path)) continue;
      parts.set(module.path, await openWeights(join(folder, module.path), checksums));
    }
    const hiddenSize = typeof config['hidden_size'] === 'number' ? config['hidden_size'] : 0;
    const heads = await openTokenHeads(
      folder,
      hiddenSize,
      known === undefined
        ? () => ignoredTokenIds(transformer, tokenizer?.parsed)
        : () => Promise.resolve(known.heads.sparse?.ignoredIds ?? []),
      parts,
    );
    // Who knows the tokenizer already has read all files with the same choices; here those of the tokenizer are not.
    if (known === undefined) accounting.finish();
    const { truncateDimension, ...fromModelConfig } = modelConfig;
    return {
      folder,
      transformer,
      config,
      modules: truncated(modules.chain, truncateDimension),
      moduleFolders: modules.folders,
      heads,
      ...fromModelConfig,
      trainedDimensions: await readTrainedDimensions(folder, config),
      maxTokens: limitOf(transformerConfig, tokenizer, config),
      truncationSide: tokenizer?.truncationSide ?? 'right',
      tokenizerJson: tokenizer?.json ?? known?.tokenizerJson ?? '',
      parsedTokenizer: tokenizer?.parsed,
      tensors: joinTensors(main, parts),
      ignored: accounting.ignored,
      notes: accounting.notes,
    };
  } catch (error) {
    for (const source of [weights, ...parts.values()]) await source.close();
    throw error;
  }
}

const settings = z.record(z.string(), z.unknown());
const NO_MODEL_CONFIG: ModelConfig = {
  prompts: { query: '', document: '' },
  namedPrompts: {},
  defaultRole: undefined,
  similarity: undefined,
  truncateDimension: undefined,
};

/** Files that sentence-transformers reads only where modules.json is there. */
async function unreadConfigs(folder: string, accounting: Accounting): Promise<TransformerConfig> {
  for (const name of [...TRANSFORMER_CONFIGS, 'config_sentence_transformers.json'])
    if ((await readText(folder, name)) !== undefined)
      accounting.note(
        `${name} is not read: sentence-transformers reads it only where modules.json is there, so its prompts and limits do not count`,
      );
  return NO_TRANSFORMER_CONFIG;
}

/** Keys of config.json that tell another kind of model, or code of the checkpoint. */
function checkConfig(folder: string, config: Checkpoint['config'], isChained: boolean, accounting: Accounting): void {
  const map = settings.safeParse(config['auto_map']).data ?? {};
  const code = ['AutoModel', 'AutoConfig', 'AutoTokenizer', 'AutoProcessor'].find((key) => key in map);
  if (code !== undefined && !accounting.isIgnored('config.json', 'auto_map'))
    throw new RemoteCodeError(join(folder, 'config.json'), shown(map[code]));
  if (isChained) return;
  const architecture = String((Array.isArray(config['architectures']) ? config['architectures'] : [])[0]);
  if (architecture.endsWith('ForSequenceClassification'))
    throw new NotAnEmbeddingModelError(
      folder,
      'a classifier or cross-encoder',
      `config.json names the architecture ${architecture}, and there is no modules.json`,
    );
  if (architecture.endsWith('ForCausalLM'))
    throw new UnsupportedModelError('config.json: architectures', architecture, ['an encoder']);
}

/**
 * Without modules.json a chat template makes sentence-transformers send texts as messages. @throws
 * UnsupportedModelError.
 */
async function refuseChatTemplate(folder: string, template: unknown): Promise<void> {
  const file = (await readText(folder, 'chat_template.jinja')) ?? (await readText(folder, 'chat_template.json'));
  if ((template ?? file ?? undefined) !== undefined)
    throw new UnsupportedModelError(
      'a checkpoint without modules.json and with a chat_template',
      shown(template ?? file),
      ['texts as they are'],
    );
}

async function readTokenizer(
  folder: string,
  { tokenizer: overrides, casing }: TransformerConfig,
  config: Checkpoint['config'],
  isChained: boolean,
  accounting: Accounting,
): Promise<EffectiveTokenizer> {
  const tokenizerSettings = { overrides, casing, config };
  const tokenizerConfig = await readTokenizerConfig(folder, tokenizerSettings, accounting);
  if (!isChained) await refuseChatTemplate(folder, tokenizerConfig['chat_template']);
  const json = await readText(folder, 'tokenizer.json');
  return effectiveTokenizer(folder, json, tokenizerConfig, tokenizerSettings);
}

/**
 * `max_seq_length` and `model_max_length` of the tokenizer's arguments count as they are; the limit of
 * tokenizer_config.json counts up to `max_position_embeddings` (sentence-transformers 5.7, transformer.py).
 */
function limitOf(
  { maxTokens, cutAt, tokenizer: overrides }: TransformerConfig,
  tokenizer: EffectiveTokenizer | undefined,
  config: Checkpoint['config'],
): number | undefined {
  const said = overrides['model_max_length'] === undefined ? maxTokens : tokenizer?.maxTokens;
  if (cutAt !== undefined || said !== undefined) return cutAt ?? said;
  const positions = config['max_position_embeddings'];
  const limits = [tokenizer?.maxTokens, typeof positions === 'number' && positions > 0 ? positions : undefined];
  const least = Math.min(...limits.map((limit) => limit ?? Infinity));
  return Number.isFinite(least) ? least : undefined;
}

/** The chain with the truncation at its end that `truncate_dim` asks for, where it takes something away. */
function truncated(chain: ModuleChain, dimension: number | undefined): ModuleChain {
  return dimension === undefined
    ? chain
    : { ...chain, afterPooling: [...chain.afterPooling, { kind: 'truncate', dimension }] };
}
