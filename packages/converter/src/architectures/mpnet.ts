import { RELATIVE_BUCKETS } from '@kimera/reference-encoder';
import type { Architecture } from './architecture.js';
import { activationOf, BERT_IRRELEVANT, BERT_SIZES, checkPositions, headsAndSize, LIMITS } from './bert-family.js';
import { checkNeutral, unknownKeys } from './config-keys.js';
import { ConfigValues, type ConfigClass } from './config-values.js';

const configClass: ConfigClass = {
  name: 'MPNetConfig',
  required: BERT_SIZES,
  defaults: {
    vocab_size: 30_527,
    hidden_act: 'gelu',
    max_position_embeddings: 512,
    layer_norm_eps: 1e-12,
    relative_attention_num_buckets: 32,
  },
  // The padding id is fixed in the model.
  irrelevant: [...BERT_IRRELEVANT, 'pad_token_id'],
};

/** transformers 4.57.6, modeling_mpnet.py MPNetEmbeddings: 1 whatever the configuration says. */
const PADDING = 1;
/** Rows of the table of biases beyond which a config is none of this family. */
const MAX_BUCKETS = 4_096;

/** MPNet: RoBERTa without token types, and with a bias by distance, one table for all layers. */
export const mpnet: Architecture = {
  modelType: 'mpnet',
  prefix: 'mpnet.',
  configClass,
  shape(config, path) {
    const values = new ConfigValues(config, path, configClass);
    checkNeutral(values);
    const positionRows = values.integer('max_position_embeddings', 1, LIMITS.positions);
    checkPositions(values, PADDING, positionRows);
    return {
      type: 'mpnet',
      layers: values.integer('num_hidden_layers', 1, LIMITS.layers),
      ...headsAndSize(values, 'hidden_size', 'num_attention_heads'),
      intermediateSize: values.integer('intermediate_size', 1, LIMITS.intermediateSize),
      vocabularySize: values.integer('vocab_size', PADDING + 1, LIMITS.vocabularySize),
      typeVocabularySize: 0,
      positionRows,
      padding: PADDING,
      // The model uses the first 32 rows of a larger table; with a smaller one it fails.
      relativeBiasRows: values.integer('relative_attention_num_buckets', RELATIVE_BUCKETS, MAX_BUCKETS),
      layerNormEpsilon: values.positive('layer_norm_eps', LIMITS.layerNormEpsilon),
      activation: activationOf(values, 'hidden_act'),
    };
  },
  unknownConfigKeys: (config) => unknownKeys(config, configClass),
  embeddings: {
    word: 'embeddings.word_embeddings',
    position: 'embeddings.position_embeddings',
    type: '',
    norm: 'embeddings.LayerNorm',
    projection: '',
  },
  relativeBias: 'encoder.relative_attention_bias',
  layer: (index) => {
    const layer = `encoder.layer.${index}`;
    return {
      query: `${layer}.attention.attn.q`,
      key: `${layer}.attention.attn.k`,
      value: `${layer}.attention.attn.v`,
      output: `${layer}.attention.attn.o`,
      attentionNorm: `${layer}.attention.LayerNorm`,
      up: `${layer}.intermediate.dense`,
      down: `${layer}.output.dense`,
      norm: `${layer}.output.LayerNorm`,
    };
  },
};
