import type { ConfigClass, ConfigValues } from './config-values.js';

/**
 * Keys of every configuration (transformers 4.57.6, PretrainedConfig) on which no vector of an encoder depends:
 * training, tasks, generation of text, where and with what the file was saved. `dtype` too: that version computes in
 * float32 whatever the file says. `architectures`, `tokenizer_class` and `auto_map` are the reader's of the checkpoint.
 */
const IRRELEVANT: readonly string[] = [
  ...['model_type', 'architectures', 'auto_map', 'tokenizer_class', 'transformers_version', 'torch_dtype', 'dtype'],
  ...['_name_or_path', 'name_or_path', '_commit_hash', 'attn_implementation', '_attn_implementation'],
  ...['_attn_implementation_autoset', '_attn_implementation_internal', '_flash_attn_2_enabled'],
  ...['return_dict', 'output_hidden_states', 'output_attentions', 'use_return_dict', 'torchscript', 'use_cache'],
  ...[
    'use_bfloat16',
    'tf_legacy_loss',
    'xla_device',
    'transformers.js_config',
    'matryoshka_dimensions',
    'gradient_checkpointing',
  ],
  ...['tie_word_embeddings', 'tie_encoder_decoder', 'cross_attention_hidden_size', 'initializer_range'],
  ...['finetuning_task', 'id2label', 'label2id', 'num_labels', '_num_labels', 'task_specific_params', 'problem_type'],
  ...['prefix', 'bos_token_id', 'eos_token_id', 'sep_token_id', 'cls_token_id', 'mask_token_id', 'unk_token_id'],
  ...['decoder_start_token_id', 'output_past', 'past', 'classifier_dropout'],
  // PretrainedConfig._get_global_generation_defaults
  ...['max_length', 'min_length', 'do_sample', 'early_stopping', 'num_beams', 'temperature', 'top_k', 'top_p'],
  ...['typical_p', 'repetition_penalty', 'length_penalty', 'no_repeat_ngram_size', 'encoder_no_repeat_ngram_size'],
  ...['bad_words_ids', 'num_return_sequences', 'output_scores', 'return_dict_in_generate', 'forced_bos_token_id'],
  ...['forced_eos_token_id', 'remove_invalid_values', 'exponential_decay_length_penalty', 'suppress_tokens'],
  ...['begin_suppress_tokens', 'num_beam_groups', 'diversity_penalty', 'chunk_size_feed_forward'],
];

/** Keys of every configuration that change vectors, or the texts that have one, unless they say this. */
const NEUTRAL = {
  is_decoder: false,
  is_encoder_decoder: false,
  add_cross_attention: false,
  pruned_heads: null,
  quantization_config: null,
} as const;

/**
 * A `chunk_size_feed_forward` beyond 1 makes transformers refuse texts whose length is not a multiple of it.
 * @throws UnsupportedModelError, InvalidConfigurationError.
 */
export function checkNeutral(values: ConfigValues): void {
  for (const [key, neutral] of Object.entries(NEUTRAL)) values.only(key, neutral);
  values.only('chunk_size_feed_forward', 0, [1]);
}

/** Keys of a config.json of which it is not known whether vectors depend on them. */
export function unknownKeys(
  config: Readonly<Record<string, unknown>>,
  { required, defaults, irrelevant }: ConfigClass,
): readonly string[] {
  const known = new Set([...IRRELEVANT, ...Object.keys(NEUTRAL), ...required, ...Object.keys(defaults), ...irrelevant]);
  return Object.keys(config).filter((key) => !known.has(key));
}
