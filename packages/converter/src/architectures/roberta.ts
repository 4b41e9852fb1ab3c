import type { Architecture } from './architecture.js';
import { BERT_NAMES, bertShape } from './bert-config.js';

/** RoBERTa: XLM-RoBERTa's arithmetic under another name, with a byte-level tokenizer. */
export const roberta: Architecture = {
  modelType: 'roberta',
  prefix: 'roberta.',
  shape: (config, path) => bertShape('roberta', 'after padding', config, path),
  ...BERT_NAMES,
};
