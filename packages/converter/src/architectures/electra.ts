import type { Architecture } from './architecture.js';
import { BERT_DEFAULTS, BERT_IRRELEVANT, BERT_NAMES, BERT_SIZES, bertShape, LIMITS } from './bert-family.js';
import { unknownKeys } from './config-keys.js';
import { ConfigValues, type ConfigClass } from './config-values.js';

const configClass: ConfigClass = {
  name: 'ElectraConfig',
  required: BERT_SIZES,
  defaults: { ...BERT_DEFAULTS, embedding_size: 128 },
  irrelevant: [
    ...BERT_IRRELEVANT,
    'summary_type',
    'summary_use_proj',
    'summary_activation',
    'summary_last_dropout',
    'generator_hidden_size',
  ],
};

/** ELECTRA's discriminator: BERT whose embedding tables may be narrower than its layers, with a linear map between. */
export const electra: Architecture = {
  modelType: 'electra',
  prefix: 'electra.',
  configClass,
  shape(config, path) {
    const values = new ConfigValues(config, path, configClass);
    return {
      ...bertShape('electra', 'from zero', values),
      embeddingSize: values.integer('embedding_size', 1, LIMITS.hiddenSize),
    };
  },
  unknownConfigKeys: (config) => unknownKeys(config, configClass),
  ...BERT_NAMES,
  embeddings: { ...BERT_NAMES.embeddings, projection: 'embeddings_project' },
};
