/** Files that every static model of ours has beside its space.json. */
export const MODEL_FILES: readonly string[] = ['config.json', 'model.safetensors', 'tokenizer.json'];

/** Where a kind of folder keeps what, and the name of the tensor of its vectors. */
export interface Layout {
  readonly name: string;
  readonly config: string;
  readonly weights: string;
  readonly tokenizer: string;
  readonly vectors: string;
}

/** The layouts that model2vec 0.9 reads (persistence/datamodels.py), in its order. */
export const MODEL2VEC_LAYOUTS: readonly Layout[] = [
  {
    name: 'model2vec',
    config: 'config.json',
    weights: 'model.safetensors',
    tokenizer: 'tokenizer.json',
    vectors: 'embeddings',
  },
  {
    name: 'sentence-transformers',
    config: 'config_sentence_transformers.json',
    weights: 'model.safetensors',
    tokenizer: 'tokenizer.json',
    vectors: 'embedding.weight',
  },
  {
    name: 'sentence-transformers, in 0_StaticEmbedding',
    config: 'config_sentence_transformers.json',
    weights: '0_StaticEmbedding/model.safetensors',
    tokenizer: '0_StaticEmbedding/tokenizer.json',
    vectors: 'embedding.weight',
  },
];
