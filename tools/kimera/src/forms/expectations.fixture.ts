import type { Nearness } from './check-form.fixture.js';

/** Refused: the code of the error, and a word of its message that says what of the form is refused. */
export interface Refusal {
  readonly code?: string;
  readonly names: string;
}

/**
 * Forms that are refused. All others must be equal to what sentence-transformers gives. A form that the reference
 * cannot load is here too.
 */
export const REFUSED: Readonly<Record<string, Refusal>> = {
  // The reference cannot load these.
  'act-unknown': { code: 'UNSUPPORTED_MODEL', names: 'snake' },
  'adapter-without-base': { names: 'adapter' },
  'byte-order-mark': { names: 'modules.json' },
  'config-bare-distilbert': { names: 'n_heads' },
  'default-prompt-unknown': { names: 'task' },
  'lstm-module': { code: 'UNSUPPORTED_MODEL', names: 'LSTM' },
  'missing-layer-tensor': { code: 'MISSING_TENSOR', names: 'encoder.layer.1.output.dense.weight' },
  'model-args-unknown': { names: 'use_memory_efficient' },
  'modules-same-name': { names: 'modules.json' },
  'no-model-type': { names: 'model_type' },
  'no-pooling-module': { names: 'modules.json' },
  'pooling-config-absent': { names: '1_Pooling/config.json' },
  'pooling-unknown-mode': { names: 'attention' },
  'prompts-nested': { names: 'prompts' },
  'pruned-heads': { names: 'pruned_heads' },
  'quantization-config': { names: 'quantization_config' },
  'sentence-config-unknown-key': { names: 'pool_before_norm' },
  'transformer-task-classification': { names: 'sequence-classification' },
  'vocab-size-wrong': { names: 'embeddings.word_embeddings.weight' },
  'vocabulary-larger-than-table': { names: '263' },

  // The reference loads these: they are not embedding models, or parts that are not converted.
  'adapter-in-transformer-folder': { names: 'adapter' },
  'added-tokens-beyond-vocabulary': { names: '293' },
  'bag-of-words': { names: 'BoW' },
  'chat-template-no-modules': { names: 'chat_template' },
  'cross-attention': { names: 'is_decoder' },
  'cross-encoder-modules': { names: 'CrossEncoder' },
  deberta: { names: 'deberta-v2' },
  'dense-on-tokens': { names: 'Dense' },
  'dense-activation-not-trusted': { names: 'NewGELUActivation' },
  'hidden-state-of-layer-1': { names: 'modality_config' },
  'ia3-adapter': { names: 'IA3' },
  'is-decoder': { names: 'is_decoder' },
  'layer-norm-module': { names: 'LayerNorm' },
  'lora-dora': { names: 'use_dora' },
  'module-of-the-folder': { names: 'own_module.Half' },
  'pooled-output-as-tokens': { names: 'modules.json' },
  'relative-positions': { names: 'relative_key' },
  router: { names: 'Router' },
  splade: { names: 'SpladePooling' },
  'splade-plain-mlm': { names: 'SparseEncoder' },
  'static-embedding': { names: 'StaticEmbedding' },
  't5-encoder': { names: 't5' },
  // Local code would be taken where the reader does not trust the checkpoint's: which of the two is meant, nobody can say.
  'auto-map-of-ours': { code: 'REMOTE_CODE', names: 'auto_map' },
  'class-of-other-kind': { code: 'VOCABULARY_SIZE', names: '</s>' },
  'json-with-nan': { code: 'UNKNOWN_KEY', names: 'custom_score' },
  'model-args-bfloat16': { code: 'PRECISION', names: 'torch_dtype' },
  'processing-kwargs-no-special-tokens': { names: 'add_special_tokens' },
  'split-special-tokens': { names: 'split_special_tokens' },
  'type-ids-of-one': { names: 'type_id' },
  'weighted-layer-pooling': { names: 'WeightedLayerPooling' },
  'word-weights': { names: 'WordWeights' },
};

const RANDOM = 'converted; the reference fails: weights that are not found are random: two loads give two vectors';
/** The one difference that a form may have, since the reference's answer is none. */
export const ACCEPTED: Readonly<Record<string, string>> = {
  // The names are read without what a tool for training put before them; checkpoint.spec.ts compares the weights.
  'bin-compiled-prefix': RANDOM,
  'bin-of-whole-st-model': RANDOM,
  'bin-with-module-prefix': RANDOM,
  'bin-wrapped': RANDOM,
  // The reference cuts at 10 too; its max_seq_length is the tokenizer's.
  'processing-kwargs-max-length': 'limit 10, 48 expected',
};

/** float16 has 11 bits. The reference computes in it where a checkpoint asks for it, we in float32. */
export const NEARNESS: Readonly<Record<string, Nearness>> = {
  'model-args-float16': { cosine: 0.99999, norm: 1e-3 },
};
