import { encoderWeights, xlmRoberta } from '@kimera/converter';
import type { SyntheticTensor } from './synthetic-tensor.js';

/** config.json of BAAI/bge-m3 (hub revision 5617a9f6…). */
export const BGE_M3_CONFIG = {
  _name_or_path: '',
  architectures: ['XLMRobertaModel'],
  attention_probs_dropout_prob: 0.1,
  bos_token_id: 0,
  classifier_dropout: null,
  eos_token_id: 2,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  hidden_size: 1024,
  initializer_range: 0.02,
  intermediate_size: 4096,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 8194,
  model_type: 'xlm-roberta',
  num_attention_heads: 16,
  num_hidden_layers: 24,
  output_past: true,
  pad_token_id: 1,
  position_embedding_type: 'absolute',
  torch_dtype: 'float32',
  transformers_version: '4.33.0',
  type_vocab_size: 1,
  use_cache: true,
  vocab_size: 250_002,
} as const;

const special = (content: string, lstrip: 'lstrip' | 'exact' = 'exact') => ({
  content,
  lstrip: lstrip === 'lstrip',
  normalized: false,
  rstrip: false,
  single_word: false,
});

/** The other small files of its folder. */
export const BGE_M3_FILES: Readonly<Record<string, unknown>> = {
  'modules.json': [
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ],
  '1_Pooling/config.json': {
    word_embedding_dimension: 1024,
    pooling_mode_cls_token: true,
    pooling_mode_mean_tokens: false,
    pooling_mode_max_tokens: false,
    pooling_mode_mean_sqrt_len_tokens: false,
  },
  'sentence_bert_config.json': { max_seq_length: 8192, do_lower_case: false },
  'config_sentence_transformers.json': {
    __version__: { sentence_transformers: '2.2.2', transformers: '4.33.0', pytorch: '2.1.2+cu121' },
  },
  'special_tokens_map.json': {
    bos_token: special('<s>'),
    cls_token: special('<s>'),
    eos_token: special('</s>'),
    mask_token: special('<mask>', 'lstrip'),
    pad_token: special('<pad>'),
    sep_token: special('</s>'),
    unk_token: special('<unk>'),
  },
  'tokenizer_config.json': {
    bos_token: '<s>',
    clean_up_tokenization_spaces: true,
    cls_token: '<s>',
    eos_token: '</s>',
    mask_token: { __type: 'AddedToken', ...special('<mask>', 'lstrip'), normalized: true },
    model_max_length: 8192,
    pad_token: '<pad>',
    sep_token: '</s>',
    sp_model_kwargs: {},
    tokenizer_class: 'XLMRobertaTokenizer',
    unk_token: '<unk>',
  },
};

/**
 * The tensors of its pytorch_model.bin under their names, the pooler that nothing uses included. @param layers of the
 * 24.
 */
export function bgeM3Tensors(layers: number): readonly SyntheticTensor[] {
  const shape = xlmRoberta.shape({ ...BGE_M3_CONFIG, num_hidden_layers: layers }, 'config.json');
  const encoder = encoderWeights(xlmRoberta, shape).flatMap(({ weights }) =>
    weights.map((plan) => random(plan.sources[0] ?? plan.name, plan.shape)),
  );
  return [...encoder, random('pooler.dense.weight', [1024, 1024]), random('pooler.dense.bias', [1024])];
}

/** Its heads: file → tensors, float16 as FlagEmbedding saves them. */
export const BGE_M3_HEADS: Readonly<Record<string, readonly SyntheticTensor[]>> = {
  'sparse_linear.pt': [random('weight', [1, 1024], 'F16'), random('bias', [1], 'F16')],
  'colbert_linear.pt': [random('weight', [1024, 1024], 'F16'), random('bias', [1024], 'F16')],
};

/** As transformers initialises them (`initializer_range` .02), norms around 1. */
function random(name: string, shape: readonly number[], type: SyntheticTensor['type'] = 'F32'): SyntheticTensor {
  return { name, shape, type, mean: name.endsWith('LayerNorm.weight') ? 1 : 0, deviation: 0.02 };
}
