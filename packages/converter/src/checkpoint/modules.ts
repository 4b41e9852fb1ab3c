import { join, posix } from 'node:path';
import { POOLINGS, type Pooling } from '@kimera/core';
import type { Activation, AfterPooling, ModuleChain } from '@kimera/reference-encoder';
import { CheckpointFileMissingError, UnsafePathError, UnsupportedModelError } from '@kimera/tensor-file';
import { z } from 'zod';
import { ChoiceNotOpenError, InvalidConfigurationError, NotAnEmbeddingModelError } from '../errors.js';
import { type Accounting, shown } from './accounting.js';
import { readJson } from './json-file.js';

/** The last part of a torch class's name → the activation. `torch.nn.Tanh` and its full path are one class. */
const ACTIVATION_CLASSES: ReadonlyMap<string, Activation> = new Map([
  ['Identity', 'identity'],
  ['Tanh', 'tanh'],
  ['ReLU', 'relu'],
  ['GELU', 'gelu'],
  ['Sigmoid', 'sigmoid'],
  ['SiLU', 'silu'],
]);
const TORCH_CLASS = /^torch\.nn\.(?:modules\.(?:activation|linear)\.)?([A-Za-z0-9]+)$/;

const moduleSchema = z
  .array(
    z.looseObject({
      idx: z.int().nullish(),
      name: z.string().nullish(),
      path: z.string(),
      type: z.string(),
      kwargs: z.array(z.string()).nullish(),
    }),
  )
  .min(1);
const MODULE_KEYS = ['idx', 'name', 'path', 'type', 'kwargs'];
const poolingSchema = z.looseObject({
  pooling_mode: z.union([z.string(), z.array(z.string()).min(1)]).nullish(),
  include_prompt: z.boolean().nullish(),
  word_embedding_dimension: z.int().positive().nullish(),
  embedding_dimension: z.int().positive().nullish(),
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
 * The old style of a pooling's config.json: one flag a kind, concatenated in this order (sentence-transformers 5.7,
 * pooling.py).
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
const SUPPORTED = ['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dropout'];
const SPARSE_MODULES = ['SpladePooling', 'MLMTransformer', 'SparseStaticEmbedding', 'SparseAutoEncoder'];

/** What the caller chooses where the checkpoint says nothing. */
export interface PoolingChoice {
  readonly pooling?: Pooling | undefined;
  /** Whether vectors are divided by their norm. */
  readonly normalize?: boolean | undefined;
}

/** The modules of a checkpoint, and where they lie. */
export interface CheckpointModules {
  readonly chain: ModuleChain;
  /** Folder of the Transformer inside the checkpoint, `''` for the checkpoint itself. */
  readonly transformer: string;
  /** Whether modules.json is there, or sentence-transformers' defaults were taken. */
  readonly origin: 'modules.json' | 'defaults';
  /** Numbers of a token's vector as the pooling's config.json names them, where it does. */
  readonly width: number | undefined;
  /** Folders of the other modules, in the order of the chain. */
  readonly folders: readonly string[];
}

/**
 * The chain that modules.json describes. @throws UnsupportedModelError for a module that is not known: none is ever
 * skipped but Dropout, which does nothing outside training.
 */
export async function readModules(
  folder: string,
  accounting: Accounting,
  choice: PoolingChoice = {},
): Promise<CheckpointModules> {
  const modules = await readJson(folder, 'modules.json', moduleSchema);
  if (modules === undefined) return defaultModules(accounting, choice);
  if (choice.pooling !== undefined || choice.normalize !== undefined)
    throw new ChoiceNotOpenError(choice.pooling === undefined ? '--normalize' : '--pooling', 'modules.json');
  for (const module of modules) accounting.account('modules.json', module, MODULE_KEYS);
  const kinds = modules.map(({ type }) => /^sentence_transformers\.(?:[a-z_]+\.)*([A-Za-z]+)$/.exec(type)?.[1] ?? type);
  const sparse = kinds.find((kind) => SPARSE_MODULES.includes(kind));
  if (sparse !== undefined)
    throw new NotAnEmbeddingModelError(folder, 'a sparse model (SPLADE)', `modules.json has the module ${sparse}`);
  const unknown = kinds.find((kind) => !SUPPORTED.includes(kind));
  if (unknown !== undefined) throw new UnsupportedModelError('modules.json: the module', unknown, SUPPORTED);
  checkNames(modules);
  const at = kinds.indexOf('Pooling');
  const order = [
    kinds[0],
    ...kinds.slice(1, at).filter((kind) => kind !== 'Normalize'),
    ...kinds.slice(Math.max(at, 1)),
  ];
  if (
    order[0] !== 'Transformer' ||
    order[1] !== 'Pooling' ||
    order.slice(2).some((kind) => kind === 'Transformer' || kind === 'Pooling')
  )
    throw new InvalidConfigurationError(
      'modules.json',
      `the chain ${kinds.join(', ')} is not Transformer, Pooling, then Dense, Normalize and Dropout in any order`,
    );
  if (at > 1)
    accounting.note(
      'modules.json has Normalize before the pooling, where there is no vector yet: it does nothing there',
    );
  const paths = modules.map(({ path }) => modulePath(path));
  const { pooling, promptPooling, width } = await readPooling(folder, paths[at] ?? '', accounting);
  const afterPooling: AfterPooling[] = [];
  for (const [i, kind] of kinds.entries()) {
    if (i < at) continue;
    if (kind === 'Normalize') afterPooling.push({ kind: 'normalize' });
    if (kind === 'Dense') afterPooling.push(await readDense(folder, paths[i] ?? '', accounting));
  }
  return {
    chain: { pooling, promptPooling, afterPooling },
    width,
    transformer: paths[0] ?? '',
    origin: 'modules.json',
    folders: paths.slice(1),
  };
}

/** Without modules.json sentence-transformers takes mean pooling and does not normalise. */
function defaultModules(accounting: Accounting, { pooling, normalize }: PoolingChoice): CheckpointModules {
  const said =
    pooling === undefined
      ? 'mean pooling is taken, as sentence-transformers does; if the model was trained with the first token, --pooling cls takes that'
      : `${pooling} pooling is taken as asked; sentence-transformers takes mean`;
  const divided =
    normalize === undefined
      ? 'vectors are left as long as they are; --normalize divides them by their norm'
      : normalize
        ? 'vectors are divided by their norm as asked'
        : 'vectors are left as long as they are, as asked';
  accounting.note(`the checkpoint has no modules.json, so no file says how it pools: ${said}; ${divided}`);
  return {
    chain: {
      pooling: [pooling ?? 'mean'],
      promptPooling: 'included',
      afterPooling: normalize === true ? [{ kind: 'normalize' }] : [],
    },
    width: undefined,
    transformer: '',
    origin: 'defaults',
    folders: [],
  };
}

/** Modules are kept by their names: of two with one name sentence-transformers would leave out the first. */
function checkNames(modules: z.infer<typeof moduleSchema>): void {
  const names = modules.map(({ name, idx }) => name ?? idx?.toString());
  const twice = names.find((name, i) => name !== undefined && names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InvalidConfigurationError('modules.json', `two modules have the name ${shown(twice)}`);
}

async function readPooling(
  folder: string,
  path: string,
  accounting: Accounting,
): Promise<{
  readonly pooling: readonly Pooling[];
  readonly promptPooling: 'included' | 'excluded';
  readonly width: number | undefined;
}> {
  const name = join(path, 'config.json');
  const config = await readJson(folder, name, poolingSchema);
  if (config === undefined) throw new CheckpointFileMissingError(folder, name);
  accounting.account(name, config, [...Object.keys(poolingSchema.shape), ...POOLING_FLAGS.map(([flag]) => flag)]);
  return {
    pooling: poolingKinds(config, name),
    promptPooling: config.include_prompt === false ? 'excluded' : 'included',
    width: config.embedding_dimension ?? config.word_embedding_dimension ?? undefined,
  };
}

function poolingKinds(config: z.infer<typeof poolingSchema>, path: string): readonly Pooling[] {
  if (config.pooling_mode === undefined || config.pooling_mode === null) {
    for (const [flag] of POOLING_FLAGS)
      if (!['boolean', 'undefined'].includes(typeof config[flag]))
        throw new InvalidConfigurationError(path, `${flag} is ${shown(config[flag])}, expected true or false`);
    const kinds = POOLING_FLAGS.filter(([flag]) => config[flag] === true).map(([, kind]) => kind);
    return kinds.length === 0 ? ['mean'] : kinds;
  }
  return [config.pooling_mode].flat().map((name) => {
    const kind = POOLINGS.find((candidate) => candidate === name);
    if (kind === undefined) throw new UnsupportedModelError('pooling', name, POOLINGS);
    return kind;
  });
}

async function readDense(folder: string, path: string, accounting: Accounting): Promise<AfterPooling> {
  const name = join(path, 'config.json');
  const config = await readJson(folder, name, denseSchema);
  if (config === undefined) throw new CheckpointFileMissingError(folder, name);
  accounting.account(name, config, Object.keys(denseSchema.shape));
  for (const value of [config.module_input_name, config.module_output_name])
    if (typeof value === 'string' && value !== SENTENCE)
      throw new UnsupportedModelError('a Dense module over', value, [SENTENCE]);
  const activation = ACTIVATION_CLASSES.get(TORCH_CLASS.exec(config.activation_function)?.[1] ?? '');
  if (activation === undefined)
    throw new UnsupportedModelError(
      `${name}: activation_function`,
      config.activation_function,
      [...ACTIVATION_CLASSES.keys()].map((kind) => `torch.nn.${kind}`),
    );
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
