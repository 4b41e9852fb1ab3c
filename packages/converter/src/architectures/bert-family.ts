import { UnsupportedModelError } from '@kimera/tensor-file';
import { ACTIVATION_NAMES, type EncoderShape, type FeedForwardActivation } from '@kimera/reference-encoder';
import type { Architecture } from './architecture.js';
import { checkNeutral, unknownKeys } from './config-keys.js';
import { ConfigValues, type ConfigClass } from './config-values.js';

/** Layers and sizes beyond which a config is not an encoder of this family (BERT-large has 24 layers of 1024). */
export const LIMITS = {
  hiddenSize: 16_384,
  layers: 256,
  attentionHeads: 1_024,
  intermediateSize: 131_072,
  vocabularySize: 4_000_000,
  positions: 1_000_000,
  types: 1_024,
  layerNormEpsilon: 0.1,
} as const;

export const BERT_SIZES = ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size'] as const;

/** Other keys of BERT's configuration with their defaults (transformers 4.57.6, as all defaults here). */
export const BERT_DEFAULTS = {
  vocab_size: 30_522,
  hidden_act: 'gelu',
  max_position_embeddings: 512,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
  position_embedding_type: 'absolute',
} as const;

/** The pooler of TensorFlow's BERT is described in old files; no pooling of sentence-transformers uses it. */
export const BERT_IRRELEVANT: readonly string[] = [
  'hidden_dropout_prob',
  'attention_probs_dropout_prob',
  'directionality',
  'pooler_fc_size',
  'pooler_num_attention_heads',
  'pooler_num_fc_layers',
  'pooler_size_per_head',
  'pooler_type',
];

/** How a family counts positions: from 0, or from the padding id on as RoBERTa does. */
export type PositionCounting = 'from zero' | 'after padding';

/** The config.json of BERT and of those that kept its keys. */
export function bertShape(modelType: string, counting: PositionCounting, values: ConfigValues): EncoderShape {
  checkNeutral(values);
  values.only('position_embedding_type', 'absolute');
  const vocabularySize = values.integer('vocab_size', 1, LIMITS.vocabularySize);
  const positionRows = values.integer('max_position_embeddings', 1, LIMITS.positions);
  const padding = paddingId(values, vocabularySize);
  if (counting === 'after padding') {
    if (padding === undefined) throw values.refuse('pad_token_id is null: the positions are counted from it');
    checkPositions(values, padding, positionRows);
  }
  return {
    type: modelType,
    layers: values.integer('num_hidden_layers', 1, LIMITS.layers),
    ...headsAndSize(values, 'hidden_size', 'num_attention_heads'),
    intermediateSize: values.integer('intermediate_size', 1, LIMITS.intermediateSize),
    vocabularySize,
    typeVocabularySize: values.integer('type_vocab_size', 1, LIMITS.types),
    positionRows,
    padding: counting === 'after padding' ? padding : undefined,
    relativeBiasRows: 0,
    layerNormEpsilon: values.positive('layer_norm_eps', LIMITS.layerNormEpsilon),
    activation: activationOf(values, 'hidden_act'),
  };
}

/** Checked by all, since the original library loads no table without this row; undefined where the file says null. */
export function paddingId(values: ConfigValues, vocabularySize: number): number | undefined {
  const padding = values.integerOrNull('pad_token_id', 0, LIMITS.vocabularySize);
  if (padding !== undefined && padding >= vocabularySize)
    throw values.refuse(`${values.described('pad_token_id')} is not in the vocabulary of ${vocabularySize}`);
  return padding;
}

export function checkPositions(values: ConfigValues, padding: number, positionRows: number): void {
  if (padding + 2 > positionRows)
    throw values.refuse(
      `${values.described('max_position_embeddings')} leaves no position after the padding id ${padding}`,
    );
}

/** @throws InvalidConfigurationError where the heads do not divide the size. */
export function headsAndSize(
  values: ConfigValues,
  sizeKey: string,
  headsKey: string,
): Pick<EncoderShape, 'attentionHeads' | 'hiddenSize' | 'embeddingSize'> {
  const hiddenSize = values.integer(sizeKey, 1, LIMITS.hiddenSize);
  const attentionHeads = values.integer(headsKey, 1, LIMITS.attentionHeads);
  if (hiddenSize % attentionHeads !== 0)
    throw values.refuse(`${values.described(sizeKey)} is not a multiple of ${values.described(headsKey)}`);
  return { hiddenSize, embeddingSize: hiddenSize, attentionHeads };
}

/** @throws UnsupportedModelError. */
export function activationOf(values: ConfigValues, key: string): FeedForwardActivation {
  const name = values.text(key);
  const activation = ACTIVATION_NAMES.get(name);
  if (activation === undefined) throw new UnsupportedModelError(key, name, [...ACTIVATION_NAMES.keys()].sort());
  return activation;
}

/** BERT's names of tensors. */
export const BERT_NAMES: Pick<Architecture, 'embeddings' | 'layer' | 'relativeBias'> = {
  embeddings: {
    word: 'embeddings.word_embeddings',
    position: 'embeddings.position_embeddings',
    type: 'embeddings.token_type_embeddings',
    norm: 'embeddings.LayerNorm',
    projection: '',
  },
  relativeBias: '',
  layer: (index) => {
    const layer = `encoder.layer.${index}`;
    return {
      query: `${layer}.attention.self.query`,
      key: `${layer}.attention.self.key`,
      value: `${layer}.attention.self.value`,
      output: `${layer}.attention.output.dense`,
      attentionNorm: `${layer}.attention.output.LayerNorm`,
      up: `${layer}.intermediate.dense`,
      down: `${layer}.output.dense`,
      norm: `${layer}.output.LayerNorm`,
    };
  },
};

/** A family with BERT's keys, names and arithmetic. */
export function bertLike(
  modelType: string,
  prefix: string,
  counting: PositionCounting,
  configClass: ConfigClass,
): Architecture {
  return {
    modelType,
    prefix,
    configClass,
    shape: (config, path) => bertShape(modelType, counting, new ConfigValues(config, path, configClass)),
    unknownConfigKeys: (config) => unknownKeys(config, configClass),
    ...BERT_NAMES,
  };
}

/** BERT: positions from 0, two token types. */
export const bert = bertLike('bert', 'bert.', 'from zero', {
  name: 'BertConfig',
  required: BERT_SIZES,
  defaults: BERT_DEFAULTS,
  irrelevant: BERT_IRRELEVANT,
});
