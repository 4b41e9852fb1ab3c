import { z } from 'zod';
import { InvalidConfigurationError } from '../errors.js';
import { UnsupportedModelError } from '@kimera/tensor-file';
import type { Architecture } from './architecture.js';
import type { EncoderShape } from '@kimera/reference-encoder';

/** Layers and sizes beyond which a config is not an encoder of this family (BERT-large has 24 layers of 1024). */
export const size = (limit: number): z.ZodType<number> => z.int().positive().max(limit);
export const LIMITS = {
  hiddenSize: 16_384,
  layers: 256,
  attentionHeads: 1_024,
  intermediateSize: 131_072,
  vocabularySize: 4_000_000,
  positions: 1_000_000,
  types: 1_024,
} as const;

const configSchema = z.looseObject({
  hidden_size: size(LIMITS.hiddenSize),
  num_hidden_layers: size(LIMITS.layers),
  num_attention_heads: size(LIMITS.attentionHeads),
  intermediate_size: size(LIMITS.intermediateSize),
  vocab_size: size(LIMITS.vocabularySize),
  max_position_embeddings: size(LIMITS.positions),
  type_vocab_size: size(LIMITS.types),
  layer_norm_eps: z.number().positive().max(0.1),
  hidden_act: z.string(),
  pad_token_id: z.int().nonnegative().nullish(),
  position_embedding_type: z.string().default('absolute'),
  is_decoder: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
});

/** How a family counts positions: from 0, or from the padding id on as RoBERTa does. */
export type PositionCounting = 'from zero' | 'after padding';

/** The config.json of BERT and of those that kept its keys. */
export function bertShape(
  modelType: string,
  counting: PositionCounting,
  config: Readonly<Record<string, unknown>>,
  path: string,
): EncoderShape {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) throw new InvalidConfigurationError(path, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const value = parsed.data;
  if (value.hidden_act !== 'gelu') throw new UnsupportedModelError('hidden_act', value.hidden_act, ['gelu']);
  if (value.position_embedding_type !== 'absolute')
    throw new UnsupportedModelError('position_embedding_type', value.position_embedding_type, ['absolute']);
  if (value.is_decoder || value.add_cross_attention)
    throw new UnsupportedModelError('is_decoder', 'true', ['an encoder']);
  const padding = value.pad_token_id ?? undefined;
  if (padding !== undefined && padding >= value.vocab_size)
    throw new InvalidConfigurationError(
      path,
      `pad_token_id ${padding} is not in the vocabulary of ${value.vocab_size}`,
    );
  if (counting === 'after padding' && padding === undefined)
    throw new InvalidConfigurationError(path, 'pad_token_id is missing: the positions are counted from it');
  if (counting === 'after padding' && padding !== undefined && padding + 2 > value.max_position_embeddings) {
    throw new InvalidConfigurationError(
      path,
      `max_position_embeddings ${value.max_position_embeddings} leaves no position after pad_token_id ${padding}`,
    );
  }
  checkHeads(path, value.hidden_size, value.num_attention_heads);
  return {
    type: modelType,
    layers: value.num_hidden_layers,
    hiddenSize: value.hidden_size,
    attentionHeads: value.num_attention_heads,
    intermediateSize: value.intermediate_size,
    vocabularySize: value.vocab_size,
    typeVocabularySize: value.type_vocab_size,
    positionRows: value.max_position_embeddings,
    padding: counting === 'after padding' ? padding : undefined,
    layerNormEpsilon: value.layer_norm_eps,
  };
}

export function checkHeads(path: string, hiddenSize: number, attentionHeads: number): void {
  if (hiddenSize % attentionHeads !== 0)
    throw new InvalidConfigurationError(
      path,
      `hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${attentionHeads}`,
    );
}

/** BERT's names of tensors. */
export const BERT_NAMES: Pick<Architecture, 'embeddings' | 'layer'> = {
  embeddings: {
    word: 'embeddings.word_embeddings',
    position: 'embeddings.position_embeddings',
    type: 'embeddings.token_type_embeddings',
    norm: 'embeddings.LayerNorm',
  },
  layer: (index) => {
    const layer = `encoder.layer.${index}`;
    return {
      query: `${layer}.attention.self.query`,
      key: `${layer}.attention.self.key`,
      value: `${layer}.attention.self.value`,
      output: `${layer}.attention.output.dense`,
      attentionNorm: `${layer}.attention.output.LayerNorm`,
      up: `${layer}.intermediate.dense`,
      down: `${layer}.output.dense`,
      norm: `${layer}.output.LayerNorm`,
    };
  },
};

/** BERT: positions from 0, two token types. */
export const bert: Architecture = {
  modelType: 'bert',
  prefix: 'bert.',
  shape: (config, path) => bertShape('bert', 'from zero', config, path),
  ...BERT_NAMES,
};

/** RoBERTa: XLM-RoBERTa's arithmetic under another name, with a byte-level tokenizer. */
export const roberta: Architecture = {
  modelType: 'roberta',
  prefix: 'roberta.',
  shape: (config, path) => bertShape('roberta', 'after padding', config, path),
  ...BERT_NAMES,
};

/** XLM-RoBERTa: positions after the padding id, one token type. */
export const xlmRoberta: Architecture = {
  modelType: 'xlm-roberta',
  prefix: 'roberta.',
  shape: (config, path) => bertShape('xlm-roberta', 'after padding', config, path),
  ...BERT_NAMES,
};
