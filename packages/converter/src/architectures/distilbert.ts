import type { Architecture } from './architecture.js';
import { activationOf, headsAndSize, LIMITS, paddingId } from './bert-family.js';
import { checkNeutral, unknownKeys } from './config-keys.js';
import { ConfigValues, type ConfigClass } from './config-values.js';

/** Other names of three keys; where both are there, the other name counts (DistilBertConfig.attribute_map). */
const ALIASES = { hidden_size: 'dim', num_attention_heads: 'n_heads', num_hidden_layers: 'n_layers' } as const;

const configClass: ConfigClass = {
  name: 'DistilBertConfig',
  required: ['dim', 'n_layers', 'n_heads', 'hidden_dim'],
  defaults: {
    vocab_size: 30_522,
    max_position_embeddings: 512,
    activation: 'gelu',
    pad_token_id: 0,
  },
  // Sinusoidal positions are what the table is made from before training; it is stored as any other.
  irrelevant: [
    ...Object.keys(ALIASES),
    'dropout',
    'attention_dropout',
    'qa_dropout',
    'seq_classif_dropout',
    'sinusoidal_pos_embds',
    'tie_weights_',
    // BERT's name of hidden_dim, which DistilBertConfig does not read.
    'intermediate_size',
  ],
};

/** transformers 4.57, modeling_distilbert.py: not in the config. */
const LAYER_NORM_EPSILON = 1e-12;

/** DistilBERT: BERT without token types, with names of its own. */
export const distilbert: Architecture = {
  modelType: 'distilbert',
  prefix: 'distilbert.',
  configClass,
  shape(config, path) {
    const named = { ...config };
    for (const [alias, key] of Object.entries(ALIASES)) if (Object.hasOwn(config, alias)) named[key] = config[alias];
    const values = new ConfigValues(named, path, configClass);
    checkNeutral(values);
    const vocabularySize = values.integer('vocab_size', 1, LIMITS.vocabularySize);
    paddingId(values, vocabularySize);
    return {
      type: 'distilbert',
      layers: values.integer('n_layers', 1, LIMITS.layers),
      ...headsAndSize(values, 'dim', 'n_heads'),
      intermediateSize: values.integer('hidden_dim', 1, LIMITS.intermediateSize),
      vocabularySize,
      typeVocabularySize: 0,
      positionRows: values.integer('max_position_embeddings', 1, LIMITS.positions),
      padding: undefined,
      relativeBiasRows: 0,
      layerNormEpsilon: LAYER_NORM_EPSILON,
      activation: activationOf(values, 'activation'),
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
  relativeBias: '',
  layer: (index) => {
    const layer = `transformer.layer.${index}`;
    return {
      query: `${layer}.attention.q_lin`,
      key: `${layer}.attention.k_lin`,
      value: `${layer}.attention.v_lin`,
      output: `${layer}.attention.out_lin`,
      attentionNorm: `${layer}.sa_layer_norm`,
      up: `${layer}.ffn.lin1`,
      down: `${layer}.ffn.lin2`,
      norm: `${layer}.output_layer_norm`,
    };
  },
};
