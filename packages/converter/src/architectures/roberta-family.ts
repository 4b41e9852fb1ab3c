import { BERT_DEFAULTS, BERT_IRRELEVANT, BERT_SIZES, bertLike } from './bert-family.js';
import type { ConfigClass } from './config-values.js';

/** The configuration of those made from RoBERTa: BERT's with another padding id. */
export const robertaConfigClass = (name: string, vocabularySize: number = BERT_DEFAULTS.vocab_size): ConfigClass => ({
  name,
  required: BERT_SIZES,
  defaults: { ...BERT_DEFAULTS, vocab_size: vocabularySize, pad_token_id: 1 },
  irrelevant: BERT_IRRELEVANT,
});

/** RoBERTa: BERT's arithmetic with positions after the padding id, one token type, a byte-level tokenizer. */
export const roberta = bertLike('roberta', 'roberta.', 'after padding', robertaConfigClass('RobertaConfig', 50_265));

/** XLM-RoBERTa: RoBERTa with another tokenizer; its tensors have RoBERTa's prefix. */
export const xlmRoberta = bertLike('xlm-roberta', 'roberta.', 'after padding', robertaConfigClass('XLMRobertaConfig'));
