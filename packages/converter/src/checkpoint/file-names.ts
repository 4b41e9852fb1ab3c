import { ADAPTER_CONFIG, ADAPTER_FILES } from './adapter.js';
import { CARD } from './trained-dimensions.js';
import { TRANSFORMER_CONFIGS } from './transformer-config.js';
import { ADDED_TOKENS, SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG } from './tokenizer/effective-tokenizer.js';

/** Files in the folder of a checkpoint that say what it consists of, and the card, which says what it was trained for. */
export const MODEL_FILES: readonly string[] = ['modules.json', 'config_sentence_transformers.json', CARD];

/** Files that a tokenizer is made from; the first group of which all are there is taken. */
export const TOKENIZER_FILES: readonly (readonly string[])[] = [
  ['tokenizer.json'],
  ['sentencepiece.bpe.model'],
  ['spiece.model'],
  ['vocab.json', 'merges.txt'],
  ['vocab.txt'],
];

/**
 * Files beside config.json, the weights and the tokenizer that change vectors, or the tokens of a text; and the
 * vocabularies that other libraries read where tokenizer.json is there too.
 */
export const TRANSFORMER_FILES: readonly string[] = [
  TOKENIZER_CONFIG,
  SPECIAL_TOKENS_MAP,
  ADDED_TOKENS,
  ...TRANSFORMER_CONFIGS,
  'chat_template.jinja',
  'chat_template.json',
  ADAPTER_CONFIG,
  ...ADAPTER_FILES,
  'vocab.txt',
  'vocab.json',
  'merges.txt',
];
