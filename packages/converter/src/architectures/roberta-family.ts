import { BERT_DEFAULTS, BERT_IRRELEVANT, BERT_SIZES, bertLike } from './bert-family.js';
import type { ConfigClass } from './config-values.js';

/** RoBERTa's configuration and those made from it differ from BERT's in the padding id alone. */
export const robertaConfigClass = (name: string): ConfigClass => ({
  name,
  required: BERT_SIZES,
  defaults: { ...BERT_DEFAULTS, pad_token_id: 1 },
  irrelevant: BERT_IRRELEVANT,
});

/** RoBERTa: BERT's arithmetic with positions after the padding id, one token type, a byte-level tokenizer. */
export const roberta = bertLike('roberta', 'roberta.', 'after padding', robertaConfigClass('RobertaConfig'));

/** XLM-RoBERTa: RoBERTa with another tokenizer; its tensors have RoBERTa's prefix. */
export const xlmRoberta = bertLike('xlm-roberta', 'roberta.', 'after padding', robertaConfigClass('XLMRobertaConfig'));
