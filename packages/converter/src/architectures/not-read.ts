/** Families that are to come, and what they have that none of those read here has. */
const PLANNED: readonly { readonly name: string; readonly types: readonly string[]; readonly differs: string }[] = [
  { name: 'ALBERT', types: ['albert'], differs: 'one layer that is run several times' },
  { name: 'NomicBERT', types: ['nomic_bert'], differs: 'rotary positions and SwiGLU' },
  {
    name: 'ModernBERT',
    types: ['modernbert'],
    differs: 'rotary positions, local and global attention and GeGLU, with the normalisation before each part',
  },
  { name: 'GTE', types: ['new', 'gte'], differs: 'rotary positions and queries, keys and values in one matrix' },
  { name: 'JinaBERT', types: ['jina_bert', 'jinabert'], differs: 'ALiBi in place of positions, and gated layers' },
  {
    name: 'XLM-RoBERTa with rotary positions',
    types: ['xlm-roberta-flash', 'xlm_roberta_flash', 'jina_embeddings_v3'],
    differs: 'rotary positions and an adapter a task',
  },
  {
    name: 'Qwen3-Embedding',
    types: ['qwen3'],
    differs: 'causal attention with shared keys and values, and rotary positions',
  },
  { name: 'EmbeddingGemma', types: ['gemma3_text', 'gemma3'], differs: 'Gemma 3 blocks with windows of attention' },
  { name: 'T5', types: ['t5', 'mt5', 'umt5'], differs: 'an encoder beside a decoder, without positions or biases' },
];

/** Families that are asked for and not planned. */
const NOT_PLANNED: readonly { readonly name: string; readonly types: readonly string[]; readonly differs: string }[] = [
  { name: 'DeBERTa', types: ['deberta', 'deberta-v2'], differs: 'attention of contents and of positions apart' },
  { name: 'Qwen2', types: ['qwen2'], differs: 'the form of a text generator' },
  {
    name: 'Mistral and Llama',
    types: ['mistral', 'mixtral', 'llama', 'phi3', 'gemma', 'gemma2', 'bloom', 'gpt2', 'gpt_neo', 'opt'],
    differs: 'the form of a text generator',
  },
  {
    name: 'CLIP and its kind',
    types: ['clip', 'siglip', 'siglip2', 'chinese_clip', 'jina_clip'],
    differs: 'a tower for pictures beside the one for texts',
  },
  { name: 'Longformer and BigBird', types: ['longformer', 'big_bird'], differs: 'sparse attention' },
];

/** The sentence of a refusal: what the family has, and whether it is planned. */
export function notReadReason(modelType: unknown): string | undefined {
  if (modelType === undefined) return 'config.json names the architecture in model_type';
  const of = (families: typeof PLANNED): (typeof PLANNED)[number] | undefined =>
    families.find(({ types }) => types.some((type) => type === modelType));
  const planned = of(PLANNED);
  if (planned !== undefined) return `${planned.name} has ${planned.differs}: it is planned, not read yet`;
  const other = of(NOT_PLANNED);
  return other === undefined ? undefined : `${other.name} has ${other.differs}: it is not planned`;
}
