import type { Architecture } from './architecture.js';
import { BERT_NAMES, bertShape } from './bert-config.js';

/** XLM-RoBERTa: positions after the padding id, one token type. */
export const xlmRoberta: Architecture = {
  modelType: 'xlm-roberta',
  prefix: 'roberta.',
  shape: (config, path) => bertShape('xlm-roberta', 'after padding', config, path),
  ...BERT_NAMES,
};
