import type { Architecture } from './architecture.js';
import { BERT_NAMES, bertShape } from './bert-config.js';

/** BERT: positions from 0, two token types. */
export const bert: Architecture = {
  modelType: 'bert',
  prefix: 'bert.',
  shape: (config, path) => bertShape('bert', 'from zero', config, path),
  ...BERT_NAMES,
};
