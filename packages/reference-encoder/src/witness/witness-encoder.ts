import { ifPresent } from '@kimera/core';
import { openSafetensors, openSharded, readRows, type TensorSource } from '@kimera/tensor-file';
import { openTorch } from '@kimera/torch-file';
import { ACTIVATION_NAMES } from '../activation.js';
import type { EncoderShape } from '../encoder-shape.js';
import type { WeightReader } from '../forward-pass.js';
import type { WitnessAdapter } from './witness-adapter.js';
import type { WitnessFile } from './witness-file.js';

/** How a family names its tensors and configures itself; what is not here is as in BERT. */
interface Family {
  /** Name of a layer; the number follows. */
  readonly layer: string;
  /** Canonical name of a part of a layer → name in the checkpoint. */
  readonly parts: Readonly<Record<string, string>>;
  readonly keys: { readonly heads: string; readonly layers: string; readonly activation: string };
  readonly defaults: { readonly layers: number };
  /** Id of the padding token from which positions are counted: a number, or the configuration's with this default. */
  readonly padding?: { readonly fixed: number } | { readonly configured: number };
  readonly relativeBias?: string;
}

const KEYS = { heads: 'num_attention_heads', layers: 'num_hidden_layers', activation: 'hidden_act' };
const BERT: Family = {
  layer: 'encoder.layer',
  parts: {
    'attention.query': 'attention.self.query',
    'attention.key': 'attention.self.key',
    'attention.value': 'attention.self.value',
    'attention.output': 'attention.output.dense',
    'attention.norm': 'attention.output.LayerNorm',
    up: 'intermediate.dense',
    down: 'output.dense',
    norm: 'output.LayerNorm',
  },
  keys: KEYS,
  defaults: { layers: 12 },
};
const ROBERTA: Family = { ...BERT, padding: { configured: 1 } };
const FAMILIES: Readonly<Record<string, Family>> = {
  bert: BERT,
  electra: BERT,
  roberta: ROBERTA,
  'xlm-roberta': ROBERTA,
  camembert: ROBERTA,
  mpnet: {
    ...BERT,
    parts: {
      ...BERT.parts,
      'attention.query': 'attention.attn.q',
      'attention.key': 'attention.attn.k',
      'attention.value': 'attention.attn.v',
      'attention.output': 'attention.attn.o',
      'attention.norm': 'attention.LayerNorm',
    },
    padding: { fixed: 1 },
    relativeBias: 'encoder.relative_attention_bias.weight',
  },
  distilbert: {
    layer: 'transformer.layer',
    parts: {
      'attention.query': 'attention.q_lin',
      'attention.key': 'attention.k_lin',
      'attention.value': 'attention.v_lin',
      'attention.output': 'attention.out_lin',
      'attention.norm': 'sa_layer_norm',
      up: 'ffn.lin1',
      down: 'ffn.lin2',
      norm: 'output_layer_norm',
    },
    keys: { heads: 'n_heads', layers: 'n_layers', activation: 'activation' },
    defaults: { layers: 6 },
  },
};
const TABLES: Readonly<Record<string, string>> = {
  'embeddings.word': 'embeddings.word_embeddings.weight',
  'embeddings.position': 'embeddings.position_embeddings.weight',
  'embeddings.type': 'embeddings.token_type_embeddings.weight',
  'embeddings.norm.gain': 'embeddings.LayerNorm.weight',
  'embeddings.norm.bias': 'embeddings.LayerNorm.bias',
  'embeddings.projection.weight': 'embeddings_project.weight',
  'embeddings.projection.bias': 'embeddings_project.bias',
};
/** Names of TensorFlow's norms. */
const OLD_NAMES: readonly (readonly [string, string])[] = [
  ['LayerNorm.weight', 'LayerNorm.gamma'],
  ['LayerNorm.bias', 'LayerNorm.beta'],
];

export interface WitnessEncoder {
  readonly shape: EncoderShape;
  readonly weights: WeightReader;
  close(): Promise<void>;
}

/** @throws Error where the witness does not know the family, and the errors of the files of tensors. */
export async function witnessEncoder(
  folder: string,
  config: WitnessFile,
  adapter: WitnessAdapter | undefined,
): Promise<WitnessEncoder> {
  const type = config.text('model_type') ?? '';
  const family = Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (family === undefined) throw new Error(`the witness does not read model_type ${JSON.stringify(type)}`);
  const source = await openTensors(folder);
  try {
    return encoderOf(type, family, config, adapter, source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

function encoderOf(
  type: string,
  family: Family,
  config: WitnessFile,
  adapter: WitnessAdapter | undefined,
  source: TensorSource,
): WitnessEncoder {
  const word = 'embeddings.word_embeddings.weight';
  const longName = [...source.names].filter((name) => name.endsWith(word)).sort((a, b) => a.length - b.length)[0];
  const prefix = (longName ?? word).slice(0, -word.length);
  /** Name in the file of a canonical weight. */
  const inFile = (canonical: string): string => {
    const [, layer, part, member] = /^layers\.(\d+)\.(.*)\.(weight|gain|bias)$/.exec(canonical) ?? [];
    const plain =
      canonical === 'attention.relative_bias'
        ? (family.relativeBias ?? '')
        : part === undefined
          ? (TABLES[canonical] ?? canonical)
          : `${family.layer}.${layer ?? ''}.${family.parts[part] ?? part}.${member === 'bias' ? 'bias' : 'weight'}`;
    if (source.shape(prefix + plain) !== undefined) return prefix + plain;
    const [now, old] = OLD_NAMES.find(([end]) => plain.endsWith(end)) ?? ['', ''];
    return prefix + (now === '' ? plain : plain.slice(0, -now.length) + old);
  };
  const sizes = (canonical: string): readonly number[] => source.shape(inFile(canonical)) ?? [];
  const merged = new Map<string, Promise<Float32Array>>();
  const own = (canonical: string): string => inFile(canonical).slice(prefix.length);
  const whole = (canonical: string): Promise<Float32Array> => {
    const name = inFile(canonical);
    if (adapter?.touches(own(canonical)) !== true) return source.read(name);
    const known = merged.get(name);
    if (known !== undefined) return known;
    const made = source.read(name).then((base) => adapter.merge(own(canonical), sizes(canonical), base));
    merged.set(name, made);
    return made;
  };
  async function* slices(canonical: string): AsyncGenerator<Float32Array> {
    if (adapter?.touches(own(canonical)) === true) yield await whole(canonical);
    else yield* source.slices(inFile(canonical));
  }
  return {
    shape: shapeOf(type, family, config, sizes),
    weights: {
      tensor: whole,
      slices,
      async rows(canonical, indices) {
        const [, width = 0] = sizes(canonical);
        if (adapter?.touches(own(canonical)) !== true) return readRows(source, inFile(canonical), width, indices);
        const table = await whole(canonical);
        return new Map(Array.from(indices, (index) => [index, table.subarray(index * width, (index + 1) * width)]));
      },
    },
    close: () => source.close(),
  };
}

/** Sizes are those of the tensors; what no tensor tells is the configuration's, or transformers' default. */
function shapeOf(
  type: string,
  family: Family,
  config: WitnessFile,
  sizes: (canonical: string) => readonly number[],
): EncoderShape {
  const [hiddenSize = 0] = sizes('layers.0.attention.query.weight');
  const [vocabularySize = 0, embeddingSize = hiddenSize] = sizes('embeddings.word');
  const padding =
    family.padding === undefined
      ? undefined
      : 'fixed' in family.padding
        ? family.padding.fixed
        : (config.number('pad_token_id') ?? family.padding.configured);
  const activation = ACTIVATION_NAMES.get(config.text(family.keys.activation) ?? 'gelu');
  if (activation === undefined) throw new Error('the witness does not know the activation of config.json');
  return {
    type,
    layers: config.number(family.keys.layers) ?? family.defaults.layers,
    hiddenSize,
    embeddingSize,
    attentionHeads: config.number(family.keys.heads) ?? 12,
    intermediateSize: sizes('layers.0.up.weight')[0] ?? 0,
    vocabularySize,
    typeVocabularySize: sizes('embeddings.type')[0] ?? 0,
    positionRows: sizes('embeddings.position')[0] ?? 0,
    padding,
    relativeBiasRows: family.relativeBias === undefined ? 0 : (sizes('attention.relative_bias')[0] ?? 0),
    layerNormEpsilon: type === 'distilbert' ? 1e-12 : (config.number('layer_norm_eps') ?? 1e-12),
    activation,
  };
}

/** The first that is there, as transformers 4.57.6 looks for them. */
export async function openTensors(folder: string): Promise<TensorSource> {
  const source =
    (await ifPresent(() => openSafetensors(`${folder}/model.safetensors`))) ??
    (await ifPresent(() => openSharded(`${folder}/model.safetensors.index.json`, openSafetensors))) ??
    (await ifPresent(() => openTorch(`${folder}/pytorch_model.bin`))) ??
    (await ifPresent(() => openSharded(`${folder}/pytorch_model.bin.index.json`, openTorch)));
  if (source === undefined) throw new Error(`the witness finds no file of weights in ${folder}`);
  return source;
}
