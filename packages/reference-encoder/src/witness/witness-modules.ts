import { POOLINGS, type Pooling } from '@kimera/core';
import { ACTIVATIONS, type Activation } from '../activation.js';
import type { AfterPooling } from '../pooling.js';
import { asObject, readJsonFile, WitnessFile } from './witness-file.js';

/** What stands behind the encoder, as sentence-transformers 5.7 reads modules.json. */
export interface WitnessModules {
  /** Folder of the Transformer in the checkpoint; `''` is the checkpoint. */
  readonly transformer: string;
  /** Without modules.json: mean pooling, nothing after it. */
  readonly origin: 'modules.json' | 'no file';
  readonly pooling: readonly Pooling[];
  readonly promptPooling: 'included' | 'excluded';
  readonly afterPooling: readonly AfterPooling[];
  readonly notSeen: readonly string[];
}

/** sentence-transformers concatenates the kinds of the old flags in this order (5.7, pooling.py). */
const FLAGS: readonly (readonly [string, Pooling])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken'],
];

export async function witnessModules(folder: string): Promise<WitnessModules> {
  const listed = await readJsonFile(folder, 'modules.json');
  if (!Array.isArray(listed))
    return {
      transformer: '',
      origin: 'no file',
      pooling: ['mean'],
      promptPooling: 'included',
      afterPooling: [],
      notSeen: [],
    };
  const notSeen: string[] = [];
  const afterPooling: AfterPooling[] = [];
  let pooling: readonly Pooling[] = [];
  let promptPooling: WitnessModules['promptPooling'] = 'included';
  let transformer = '';
  for (const [i, entry] of listed.entries()) {
    const module = new WitnessFile('modules.json', asObject(entry));
    const [path, type] = [(module.text('path') ?? '').replace(/\/$/, ''), module.text('type') ?? ''];
    notSeen.push(...module.unread(['idx', 'name', 'kwargs']));
    const kind = type.slice(type.lastIndexOf('.') + 1);
    if (i === 0 && kind === 'Transformer') transformer = path;
    else if (kind === 'Pooling') {
      const config = await WitnessFile.read(`${folder}/${path}`, 'config.json');
      pooling = poolingKinds(config);
      promptPooling = config.flag('include_prompt') === false ? 'excluded' : 'included';
      notSeen.push(
        ...config.unread(['word_embedding_dimension', 'embedding_dimension']).map((key) => `${path}/${key}`),
      );
    } else if (kind === 'Normalize') {
      // Before the pooling there is no vector: it does nothing there.
      if (pooling.length > 0) afterPooling.push({ kind: 'normalize' });
    } else if (kind === 'Dense') {
      const config = await WitnessFile.read(`${folder}/${path}`, 'config.json');
      afterPooling.push(dense(config, path));
      notSeen.push(...config.unread(['module_input_name', 'module_output_name']).map((key) => `${path}/${key}`));
    } else if (kind !== 'Dropout') notSeen.push(`modules.json: module ${type}`);
  }
  return { transformer, origin: 'modules.json', pooling, promptPooling, afterPooling, notSeen };
}

function poolingKinds(config: WitnessFile): readonly Pooling[] {
  const flags = FLAGS.filter(([flag]) => config.flag(flag) === true).map(([, kind]) => kind);
  const mode = config.value('pooling_mode');
  const named = Array.isArray(mode) ? mode : mode === undefined ? [] : [mode];
  const known = named.flatMap((kind) => POOLINGS.filter((pooling) => pooling === kind));
  if (known.length > 0) return known;
  return flags.length > 0 ? flags : ['mean'];
}

/** A class outside torch is not loaded by sentence-transformers: it takes Tanh. */
function dense(config: WitnessFile, path: string): AfterPooling {
  const name = config.text('activation_function') ?? 'torch.nn.Tanh';
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const activation = (Object.keys(ACTIVATIONS) as Activation[]).find((known) => known === last);
  return {
    kind: 'dense',
    path,
    inFeatures: config.number('in_features') ?? 0,
    outFeatures: config.number('out_features') ?? 0,
    bias: config.flag('bias') === false ? 'absent' : 'present',
    activation: name.startsWith('torch.') && activation !== undefined ? activation : 'tanh',
  };
}
