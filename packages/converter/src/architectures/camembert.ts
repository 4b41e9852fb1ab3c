import { bertLike } from './bert-family.js';
import { robertaConfigClass } from './roberta-family.js';

/** CamemBERT: RoBERTa's arithmetic and prefix, with a French Unigram tokenizer. */
export const camembert = bertLike('camembert', 'roberta.', 'after padding', robertaConfigClass('CamembertConfig'));
