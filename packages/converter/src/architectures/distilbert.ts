import { z } from 'zod';
import { InvalidConfigurationError } from '../errors.js';
import { UnsupportedModelError } from '@kimera/tensor-file';
import type { Architecture } from './architecture.js';
import { checkHeads, LIMITS, size } from './bert-family.js';

const configSchema = z.looseObject({
  dim: size(LIMITS.hiddenSize),
  n_layers: size(LIMITS.layers),
  n_heads: size(LIMITS.attentionHeads),
  hidden_dim: size(LIMITS.intermediateSize),
  vocab_size: size(LIMITS.vocabularySize),
  max_position_embeddings: size(LIMITS.positions),
  activation: z.string(),
});

/** transformers 4.57, modeling_distilbert.py: not in the config. */
const LAYER_NORM_EPSILON = 1e-12;

/** DistilBERT: BERT without token types, with names of its own. */
export const distilbert: Architecture = {
  modelType: 'distilbert',
  prefix: 'distilbert.',
  shape(config, path) {
    const parsed = configSchema.safeParse(config);
    if (!parsed.success) throw new InvalidConfigurationError(path, z.prettifyError(parsed.error).replaceAll('\n', ' '));
    const value = parsed.data;
    if (value.activation !== 'gelu') throw new UnsupportedModelError('activation', value.activation, ['gelu']);
    checkHeads(path, value.dim, value.n_heads);
    return {
      type: 'distilbert',
      layers: value.n_layers,
      hiddenSize: value.dim,
      attentionHeads: value.n_heads,
      intermediateSize: value.hidden_dim,
      vocabularySize: value.vocab_size,
      typeVocabularySize: 0,
      positionRows: value.max_position_embeddings,
      padding: undefined,
      layerNormEpsilon: LAYER_NORM_EPSILON,
    };
  },
  embeddings: {
    word: 'embeddings.word_embeddings',
    position: 'embeddings.position_embeddings',
    type: '',
    norm: 'embeddings.LayerNorm',
  },
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
