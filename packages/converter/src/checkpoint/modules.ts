import { join, posix } from 'node:path';
import { POOLINGS, type Pooling } from '@kimera/core';
import { z } from 'zod';
import { CheckpointFileMissingError, UnsafePathError, UnsupportedModelError } from '@kimera/tensor-file';
import { InvalidConfigurationError } from '../errors.js';
import type { Activation, AfterPooling, ModuleChain } from '@kimera/reference-encoder';
import { readJson } from './json-file.js';

/** How config.json of a Dense module names an activation → the activation. */
const ACTIVATION_CLASSES: ReadonlyMap<string, Activation> = new Map([
  ['torch.nn.modules.linear.Identity', 'identity'],
  ['torch.nn.modules.activation.Tanh', 'tanh'],
  ['torch.nn.modules.activation.ReLU', 'relu'],
  ['torch.nn.modules.activation.GELU', 'gelu'],
  ['torch.nn.modules.activation.Sigmoid', 'sigmoid'],
  ['torch.nn.modules.activation.SiLU', 'silu'],
]);

const moduleSchema = z.array(z.object({ idx: z.int(), path: z.string(), type: z.string() })).min(1);
const poolingSchema = z.looseObject({
  pooling_mode: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  include_prompt: z.boolean().nullish(),
  word_embedding_dimension: z.int().positive().optional(),
  embedding_dimension: z.int().positive().optional(),
});
const denseSchema = z.looseObject({
  in_features: z.int().positive().max(131_072),
  out_features: z.int().positive().max(131_072),
  bias: z.boolean().default(true),
  activation_function: z.string().default('torch.nn.modules.activation.Tanh'),
  module_input_name: z.string().nullish(),
  module_output_name: z.string().nullish(),
});

/**
 * The old style of 1_Pooling/config.json: one flag a kind, concatenated in this order (sentence-transformers 5.7,
 * Pooling.py).
 */
const POOLING_FLAGS: readonly (readonly [string, Pooling])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken'],
];
/** The vector between the modules. */
const SENTENCE = 'sentence_embedding';
const SUPPORTED = ['Transformer', 'Pooling', 'Dense', 'Normalize'];

/**
 * The chain that modules.json describes. @throws UnsupportedModelError for a module that is not known: none is ever
 * skipped.
 */
export async function readModules(folder: string): Promise<ModuleChain> {
  const modules = await readJson(folder, 'modules.json', moduleSchema);
  // Without modules.json sentence-transformers takes mean pooling and does not normalise.
  if (modules === undefined) return { pooling: ['mean'], promptPooling: 'included', afterPooling: [] };
  const kinds = modules.map(({ type }) => /^sentence_transformers\.(?:[a-z_]+\.)*([A-Za-z]+)$/.exec(type)?.[1] ?? type);
  const unknown = kinds.find((kind) => !SUPPORTED.includes(kind));
  if (unknown !== undefined) throw new UnsupportedModelError('module', unknown, SUPPORTED);
  if (
    kinds[0] !== 'Transformer' ||
    kinds[1] !== 'Pooling' ||
    kinds.slice(2).some((kind) => kind !== 'Dense' && kind !== 'Normalize')
  ) {
    throw new InvalidConfigurationError(
      'modules.json',
      `the chain ${kinds.join(', ')} is not Transformer, Pooling, then Dense and Normalize in any order`,
    );
  }
  const paths = modules.map(({ path }) => modulePath(path));
  if (paths[0] !== '' && paths[0] !== '0_Transformer')
    throw new UnsupportedModelError('the folder of the Transformer', paths[0] ?? '', ['the checkpoint itself']);
  const { pooling, promptPooling, width } = await readPooling(folder, paths[1] ?? '');
  const afterPooling: AfterPooling[] = [];
  for (const [i, kind] of kinds.entries()) {
    if (i > 1)
      afterPooling.push(kind === 'Normalize' ? { kind: 'normalize' } : await readDense(folder, paths[i] ?? ''));
  }
  return { pooling, promptPooling, afterPooling, ...(width === undefined ? {} : { width }) };
}

async function readPooling(
  folder: string,
  path: string,
): Promise<{
  readonly pooling: readonly Pooling[];
  readonly promptPooling: 'included' | 'excluded';
  readonly width: number | undefined;
}> {
  const name = join(path, 'config.json');
  const config = await readJson(folder, name, poolingSchema);
  if (config === undefined) throw new CheckpointFileMissingError(folder, name);
  return {
    pooling: poolingKinds(config, name),
    promptPooling: config.include_prompt === false ? 'excluded' : 'included',
    width: config.word_embedding_dimension ?? config.embedding_dimension,
  };
}

function poolingKinds(config: z.infer<typeof poolingSchema>, path: string): readonly Pooling[] {
  if (config.pooling_mode === undefined) {
    for (const [flag] of POOLING_FLAGS)
      if (!['boolean', 'undefined'].includes(typeof config[flag]))
        throw new InvalidConfigurationError(path, `${flag} is not true or false`);
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

async function readDense(folder: string, path: string): Promise<AfterPooling> {
  const name = join(path, 'config.json');
  const config = await readJson(folder, name, denseSchema);
  if (config === undefined) throw new CheckpointFileMissingError(folder, name);
  for (const value of [config.module_input_name, config.module_output_name])
    if (typeof value === 'string' && value !== SENTENCE)
      throw new UnsupportedModelError('a Dense module over', value, [SENTENCE]);
  const activation = ACTIVATION_CLASSES.get(config.activation_function);
  if (activation === undefined)
    throw new UnsupportedModelError('activation_function', config.activation_function, [...ACTIVATION_CLASSES.keys()]);
  return {
    kind: 'dense',
    path,
    inFeatures: config.in_features,
    outFeatures: config.out_features,
    bias: config.bias ? 'present' : 'absent',
    activation,
  };
}

/** @throws UnsafePathError where a module lies outside the checkpoint. */
function modulePath(path: string): string {
  const normal = posix.normalize(path.replace(/\/+$/, '') || '.');
  if (posix.isAbsolute(path) || /[\\\0:]/.test(path) || normal.split('/').includes('..'))
    throw new UnsafePathError('modules.json', path);
  return normal === '.' ? '' : normal;
}
