import { type Role } from '@kimera/core';
import { z } from 'zod';
import { CheckpointFileMissingError, UnsupportedModelError, type TensorSource } from '@kimera/tensor-file';
import { openTokenHeads } from './token-heads.js';
import type { TokenHeads, ModuleChain } from '@kimera/reference-encoder';
import { joinTensors } from './joined-tensors.js';
import { readJson, readText } from './json-file.js';
import { readModules } from './modules.js';
import { VERIFY_ALL, type Checksums } from '@kimera/torch-file';
import { openWeights } from './open-weights.js';
import { ignoredTokenIds, lowerCasingTokenizer, parseTokenizerJson } from './tokenizer-files.js';

/** A Hugging Face folder: configuration, sentence-transformers modules, tensors. */
export interface Checkpoint {
  readonly folder: string;
  /** config.json, checked by the architecture. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly modules: ModuleChain;
  readonly heads: TokenHeads;
  readonly prompts: Readonly<Record<Role, string>>;
  /** The prompt that a text gets where the caller names none. */
  readonly defaultRole: Role | undefined;
  /** Tokens a text may have, or undefined where no file says. */
  readonly maxTokens: number | undefined;
  /** tokenizer.json, with lower-casing added where sentence_bert_config.json asks for it. */
  readonly tokenizerJson: string;
  /** tokenizer.json parsed; undefined where it was not read, or is not JSON. */
  readonly parsedTokenizer: unknown;
  /** By name; tensors of modules and heads are named `FOLDER_OR_FILE/NAME`. */
  readonly tensors: TensorSource;
}

const transformerSchema = z.looseObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
});
const tokenizerConfigSchema = z.looseObject({ model_max_length: z.number().positive().nullish() });
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});
/** Names of prompts in config_sentence_transformers.json; the first that is there is taken (`passage` is e5's word). */
const PROMPT_NAMES: Readonly<Record<Role, readonly string[]>> = { query: ['query'], document: ['document', 'passage'] };

export interface OpenCheckpointOptions {
  /** Which torch files' checksums are verified; default: all. */
  readonly checksums?: Checksums;
  /** What the caller has read already, so that the tokenizer (17 MB in XLM-R) is not read again. */
  readonly known?: Pick<Checkpoint, 'tokenizerJson' | 'heads'>;
}

/**
 * @throws CheckpointFileMissingError, InvalidConfigurationError, UnsupportedModelError, and the errors of the weight
 * formats.
 */
export async function openCheckpoint(
  folder: string,
  { checksums = VERIFY_ALL, known }: OpenCheckpointOptions = {},
): Promise<Checkpoint> {
  const config = await readJson(folder, 'config.json', z.record(z.string(), z.unknown()));
  if (config === undefined) throw new CheckpointFileMissingError(folder, 'config.json');
  const modules = await readModules(folder);
  const transformer = await readJson(folder, 'sentence_bert_config.json', transformerSchema);
  const tokenizerConfig = await readJson(folder, 'tokenizer_config.json', tokenizerConfigSchema);
  const modelLimit = tokenizerConfig?.model_max_length ?? undefined;
  const tokenizerJson =
    known?.tokenizerJson ??
    (await readTokenizer(folder, transformer?.do_lower_case === true ? 'lower-casing' : 'as it is'));
  const parsedTokenizer = known === undefined ? parseTokenizerJson(tokenizerJson) : undefined;
  const opened = new Map<string, TensorSource>();
  try {
    const main = await openWeights(folder, checksums);
    opened.set('', main);
    const parts = new Map<string, TensorSource>();
    for (const module of modules.afterPooling) {
      if (module.kind !== 'dense' || parts.has(module.path)) continue;
      const source = await openWeights(`${folder}/${module.path}`, checksums);
      parts.set(module.path, source);
      opened.set(module.path, source);
    }
    const hiddenSize = typeof config['hidden_size'] === 'number' ? config['hidden_size'] : 0;
    const heads = await openTokenHeads(
      folder,
      hiddenSize,
      known === undefined
        ? () => ignoredTokenIds(folder, parsedTokenizer)
        : () => Promise.resolve(known.heads.sparse?.ignoredIds ?? []),
      parts,
    );
    for (const [name, source] of parts) opened.set(name, source);
    return {
      folder,
      config,
      modules,
      heads,
      ...(await readPrompts(folder)),
      // transformers writes 1e30 where a tokenizer has no limit.
      maxTokens: transformer?.max_seq_length ?? (modelLimit !== undefined && modelLimit < 1e9 ? modelLimit : undefined),
      tokenizerJson,
      parsedTokenizer,
      tensors: joinTensors(main, parts),
    };
  } catch (error) {
    for (const source of opened.values()) await source.close();
    throw error;
  }
}

async function readTokenizer(folder: string, use: 'lower-casing' | 'as it is'): Promise<string> {
  const json = await readText(folder, 'tokenizer.json');
  if (json === undefined) throw new CheckpointFileMissingError(folder, 'tokenizer.json');
  return use === 'lower-casing' ? lowerCasingTokenizer(json) : json;
}

async function readPrompts(folder: string): Promise<Pick<Checkpoint, 'prompts' | 'defaultRole'>> {
  const config = await readJson(folder, 'config_sentence_transformers.json', promptsSchema);
  const named = new Map(Object.entries(config?.prompts ?? {}));
  const prompt = (role: Role): string =>
    PROMPT_NAMES[role].map((name) => named.get(name)).find((text) => text !== undefined) ?? '';
  const usual = config?.default_prompt_name ?? undefined;
  const defaultRole = (['query', 'document'] as const).find(
    (role) => usual !== undefined && PROMPT_NAMES[role].includes(usual),
  );
  const isEmpty = usual === undefined || (named.get(usual) ?? '') === '';
  if (defaultRole === undefined && !isEmpty)
    throw new UnsupportedModelError('default_prompt_name', usual, ['query', 'document', 'passage']);
  return {
    prompts: { query: prompt('query'), document: prompt('document') },
    defaultRole: isEmpty ? undefined : defaultRole,
  };
}
