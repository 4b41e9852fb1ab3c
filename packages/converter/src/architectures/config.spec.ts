import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { UnsupportedModelError } from '@kimera/tensor-file';
import { root } from '../fixtures.fixture.js';
import { InvalidConfigurationError } from '../errors.js';
import { ARCHITECTURES, architectureOf } from './architecture-of.js';

/** What the configuration classes of transformers say, asked by fixtures/encoders/make-expected.py. */
const { classes } = JSON.parse(readFileSync(join(root, 'fixtures/encoders/config-classes.json'), 'utf8')) as {
  readonly classes: Readonly<
    Record<
      string,
      {
        readonly name: string;
        readonly aliases: Readonly<Record<string, string>>;
        readonly defaults: Readonly<Record<string, unknown>>;
        readonly keys: readonly string[];
      }
    >
  >;
};

type Config = Readonly<Record<string, unknown>>;
const bert = {
  model_type: 'bert',
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
};
const shapeOf = (config: Config) => architectureOf({ config }).shape(config, 'config.json');
const refusal = (config: Config): Error => {
  try {
    shapeOf(config);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('not refused');
};

describe.each(ARCHITECTURES)('$modelType', ({ modelType, configClass, unknownConfigKeys }) => {
  const original = classes[modelType];

  it('has the defaults of the original configuration class, which has the keys that must be there', () => {
    expect(original?.name).toBe(configClass.name);
    expect(original?.defaults).toMatchObject(configClass.defaults);
    expect(Object.keys(original?.defaults ?? {})).toEqual(expect.arrayContaining([...configClass.required]));
  });

  it('knows every key that the original class writes or reads, and no other', () => {
    const keys = [...(original?.keys ?? []), ...Object.keys(original?.aliases ?? {})];
    expect(unknownConfigKeys(Object.fromEntries(keys.map((key) => [key, 1])))).toEqual([]);
    expect(unknownConfigKeys({ model_type: modelType, rope_theta: 1e4, use_flash_attn: true })).toEqual([
      'rope_theta',
      'use_flash_attn',
    ]);
  });
});

describe('a configuration', () => {
  it('without optional keys has the defaults of its class', () => {
    expect(shapeOf(bert)).toEqual({
      type: 'bert',
      layers: 6,
      hiddenSize: 384,
      embeddingSize: 384,
      attentionHeads: 12,
      intermediateSize: 1536,
      vocabularySize: 30_522,
      typeVocabularySize: 2,
      positionRows: 512,
      padding: undefined,
      relativeBiasRows: 0,
      layerNormEpsilon: 1e-12,
      activation: 'gelu',
    });
    expect(shapeOf({ ...bert, model_type: 'camembert' })).toMatchObject({ type: 'camembert', padding: 1 });
    expect(shapeOf({ ...bert, model_type: 'electra' })).toMatchObject({ hiddenSize: 384, embeddingSize: 128 });
    expect(shapeOf({ ...bert, model_type: 'mpnet', pad_token_id: 0 })).toMatchObject({
      padding: 1,
      typeVocabularySize: 0,
      relativeBiasRows: 32,
    });
  });

  it('of DistilBERT has the sizes under either name; where both are there, BERT’s counts', () => {
    const sizes = { model_type: 'distilbert', dim: 768, n_layers: 6, n_heads: 12, hidden_dim: 3072 };
    expect(shapeOf(sizes)).toMatchObject({ hiddenSize: 768, layers: 6, attentionHeads: 12 });
    expect(shapeOf({ ...sizes, hidden_size: 384, num_hidden_layers: 3, num_attention_heads: 6 })).toMatchObject({
      hiddenSize: 384,
      layers: 3,
      attentionHeads: 6,
    });
  });

  it.each([
    [{ num_attention_heads: undefined }, 'config.json: num_attention_heads is missing'],
    [{ num_attention_heads: '12' }, 'config.json: num_attention_heads is "12", not an integer from 1 to 1024'],
    [{ num_hidden_layers: null }, 'config.json: num_hidden_layers is null, not an integer from 1 to 256'],
    [{ hidden_size: 1e15 }, 'config.json: hidden_size is 1000000000000000, not an integer from 1 to 16384'],
    [{ layer_norm_eps: 0 }, 'config.json: layer_norm_eps is 0, not a number above 0, at most 0.1'],
    [{ hidden_act: ['gelu'] }, 'config.json: hidden_act is ["gelu"], not a string'],
    [{ is_decoder: 'no' }, 'config.json: is_decoder is "no", not false'],
    [{ num_attention_heads: 7 }, 'config.json: hidden_size 384 is not a multiple of num_attention_heads 7'],
    [{ pad_token_id: 30_522 }, 'config.json: pad_token_id 30522 is not in the vocabulary of 30522'],
    [
      { model_type: 'roberta', vocab_size: 1 },
      'config.json: pad_token_id 1 (it is missing: the default of RobertaConfig) is not in the vocabulary of 1',
    ],
    [
      { model_type: 'roberta', pad_token_id: null },
      'config.json: pad_token_id is null: the positions are counted from it',
    ],
    [
      { model_type: 'mpnet', max_position_embeddings: 2 },
      'config.json: max_position_embeddings 2 leaves no position after the padding id 1',
    ],
    [
      { model_type: 'mpnet', relative_attention_num_buckets: 16 },
      'config.json: relative_attention_num_buckets is 16, not an integer from 32 to 4096',
    ],
  ])('with %j is refused, and the message has key, value and limit', (change, message) => {
    const config = Object.fromEntries(
      Object.entries({ ...bert, ...change }).filter(([, value]) => value !== undefined),
    );
    const error = refusal(config);
    expect(error).toBeInstanceOf(InvalidConfigurationError);
    expect(error.message).toBe(message);
  });

  it.each([
    [{ position_embedding_type: 'relative_key' }, 'position_embedding_type "relative_key"', 'absolute'],
    [{ is_decoder: true }, 'is_decoder "true"', 'false'],
    [{ add_cross_attention: true }, 'add_cross_attention "true"', 'false'],
    [{ chunk_size_feed_forward: 16 }, 'chunk_size_feed_forward "16"', '0'],
    [{ pruned_heads: { 0: [1] } }, String.raw`pruned_heads "{\"0\":[1]}"`, 'null'],
    [{ quantization_config: { bits: 4 } }, String.raw`quantization_config "{\"bits\":4}"`, 'null'],
    [{ hidden_act: 'prelu' }, 'hidden_act "prelu"', 'gelu, gelu_10, gelu_accurate'],
  ])('with %j is refused, since vectors depend on it', (change, feature, supported) => {
    const error = refusal({ ...bert, ...change });
    expect(error).toBeInstanceOf(UnsupportedModelError);
    expect(error.message).toContain(`${feature} is not supported (supported: ${supported}`);
  });

  it('says what means nothing in other words: empty lists of heads, null', () => {
    expect(shapeOf({ ...bert, pruned_heads: {}, quantization_config: null, pad_token_id: null })).toEqual(
      shapeOf(bert),
    );
  });
});

describe('an architecture that is not read', () => {
  it.each([
    ['modernbert', 'it is planned, not read yet'],
    ['nomic_bert', 'it is planned, not read yet'],
    ['qwen3', 'it is planned, not read yet'],
    ['albert', 'it is planned, not read yet'],
    ['deberta-v2', 'it is not planned'],
    ['llama', 'it is not planned'],
    [undefined, 'config.json names the architecture in model_type'],
    [7, 'supported: bert, xlm-roberta'],
    ['never-heard-of', 'supported: bert, xlm-roberta'],
  ])('%s: the message says which are read and whether it is planned', (modelType, sentence) => {
    const error = refusal(modelType === undefined ? {} : { model_type: modelType });
    expect(error).toBeInstanceOf(UnsupportedModelError);
    expect(error.message).toContain(sentence);
    expect(error.message).toContain('distilbert, camembert, electra, mpnet)');
  });
});
