import type { Pooling } from '@kimera/core';
import { z } from 'zod';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { InvalidConfigurationError, UnsupportedModelError } from '../errors/checkpoint-errors.js';
import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { add, attention, gelu, layerNorm, linear } from '../reference/float64.js';
import type { WeightFile } from '../weights/weight-file.js';
import type { Architecture, EncoderShape, WeightGroup, WeightPlan } from './architecture.js';
import { poolGraph } from './pooling.js';

/** Layers and sizes beyond which a config is not an encoder of this family (BERT-large has 24 layers of 1024). */
const size = (limit: number): z.ZodType<number> => z.int().positive().max(limit);
const configSchema = z.looseObject({
  hidden_size: size(16_384),
  num_hidden_layers: size(256),
  num_attention_heads: size(1_024),
  intermediate_size: size(131_072),
  vocab_size: size(4_000_000),
  max_position_embeddings: size(1_000_000),
  type_vocab_size: size(1_024),
  layer_norm_eps: z.number().positive().max(0.1),
  hidden_act: z.string(),
  pad_token_id: z.int().nonnegative().nullish(),
  position_embedding_type: z.string().default('absolute'),
  is_decoder: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
});

function shape({ config, folder }: Checkpoint): EncoderShape {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) throw new InvalidConfigurationError(`${folder}/config.json`, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const value = parsed.data;
  if (value.hidden_act !== 'gelu') throw new UnsupportedModelError('hidden_act', value.hidden_act, ['gelu']);
  if (value.position_embedding_type !== 'absolute') throw new UnsupportedModelError('position_embedding_type', value.position_embedding_type, ['absolute']);
  if (value.is_decoder || value.add_cross_attention) throw new UnsupportedModelError('is_decoder', 'true', ['an encoder']);
  if (value.pad_token_id != null && value.pad_token_id >= value.vocab_size) {
    throw new InvalidConfigurationError(`${folder}/config.json`, `pad_token_id ${value.pad_token_id} is not in the vocabulary of ${value.vocab_size}`);
  }
  if (value.hidden_size % value.num_attention_heads !== 0) {
    throw new InvalidConfigurationError(`${folder}/config.json`, `hidden_size ${value.hidden_size} is not a multiple of num_attention_heads ${value.num_attention_heads}`);
  }
  return {
    type: 'bert',
    layers: value.num_hidden_layers,
    hiddenSize: value.hidden_size,
    attentionHeads: value.num_attention_heads,
    intermediateSize: value.intermediate_size,
    vocabularySize: value.vocab_size,
    typeVocabularySize: value.type_vocab_size,
    maxPositions: value.max_position_embeddings,
    layerNormEpsilon: value.layer_norm_eps,
  };
}

function groups({ layers, hiddenSize: d, intermediateSize: f, vocabularySize, typeVocabularySize, maxPositions }: EncoderShape): readonly WeightGroup[] {
  const plan = (name: string, source: string, dims: readonly number[]): WeightPlan => {
    // TensorFlow's names of a LayerNorm, kept by old checkpoints.
    const old = source.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
    return { name, sources: [source, `bert.${source}`, ...(old === source ? [] : [old, `bert.${old}`])], shape: dims };
  };
  const alone = (name: string, source: string, dims: readonly number[]): WeightGroup => ({ name, weights: [plan(name, source, dims)] });
  const all: WeightGroup[] = [
    alone('embeddings.word', 'embeddings.word_embeddings.weight', [vocabularySize, d]),
    alone('embeddings.position', 'embeddings.position_embeddings.weight', [maxPositions, d]),
    alone('embeddings.type', 'embeddings.token_type_embeddings.weight', [typeVocabularySize, d]),
    alone('embeddings.norm.gain', 'embeddings.LayerNorm.weight', [d]),
    alone('embeddings.norm.bias', 'embeddings.LayerNorm.bias', [d]),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const from = `encoder.layer.${layer}`;
    const to = `layers.${layer}`;
    const three = (kind: 'weight' | 'bias', dims: readonly number[]): WeightGroup => ({
      name: `${to}.attention.qkv.${kind}`,
      weights: ['query', 'key', 'value'].map((part) => plan(`${to}.attention.${part}.${kind}`, `${from}.attention.self.${part}.${kind}`, dims)),
    });
    all.push(
      three('weight', [d, d]),
      three('bias', [d]),
      alone(`${to}.attention.output.weight`, `${from}.attention.output.dense.weight`, [d, d]),
      alone(`${to}.attention.output.bias`, `${from}.attention.output.dense.bias`, [d]),
      alone(`${to}.attention.norm.gain`, `${from}.attention.output.LayerNorm.weight`, [d]),
      alone(`${to}.attention.norm.bias`, `${from}.attention.output.LayerNorm.bias`, [d]),
      alone(`${to}.up.weight`, `${from}.intermediate.dense.weight`, [f, d]),
      alone(`${to}.up.bias`, `${from}.intermediate.dense.bias`, [f]),
      alone(`${to}.down.weight`, `${from}.output.dense.weight`, [d, f]),
      alone(`${to}.down.bias`, `${from}.output.dense.bias`, [d]),
      alone(`${to}.norm.gain`, `${from}.output.LayerNorm.weight`, [d]),
      alone(`${to}.norm.bias`, `${from}.output.LayerNorm.bias`, [d]),
    );
  }
  return all;
}

/** x · Wᵀ, W [out, in] as the checkpoint has it; the transposition is folded at load. */
function matrix(graph: OnnxGraph, x: string, weight: string): string {
  return graph.node('MatMul', [x, graph.node('Transpose', [weight], { perm: [1, 0] })]);
}

function embeddings(graph: OnnxGraph, weights: WeightFile, shape: EncoderShape, ids: string, types: string): { readonly hidden: string; readonly length: string } {
  const length = graph.node('Gather', [graph.node('Shape', [ids]), graph.int64([1], [])], { axis: 0 });
  const end = graph.node('Unsqueeze', [length, graph.int64([0])]);
  const positions = graph.node('Slice', [weights.value(graph, 'embeddings.position'), graph.int64([0]), end, graph.int64([0])]);
  const sum = graph.node('Add', [graph.node('Add', [weights.gather(graph, 'embeddings.word', ids), types]), positions]);
  return { hidden: norm(graph, weights, 'embeddings.norm', sum, shape), length };
}

function norm(graph: OnnxGraph, weights: WeightFile, name: string, x: string, shape: EncoderShape): string {
  return graph.node('LayerNormalization', [x, weights.value(graph, `${name}.gain`), weights.value(graph, `${name}.bias`)], { axis: -1, epsilon: { float: shape.layerNormEpsilon } });
}

function portable(graph: OnnxGraph, weights: WeightFile, shape: EncoderShape): void {
  const { hiddenSize: d, attentionHeads: heads } = shape;
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'sequence']);
  const types = graph.input('token_type_ids', 'int64', ['batch', 'sequence']);
  const hidden0 = embeddings(graph, weights, shape, ids, graph.node('Gather', [weights.value(graph, 'embeddings.type'), types], { axis: 0 })).hidden;
  const open = graph.node('Unsqueeze', [graph.node('Cast', [mask], { to: 1 }), graph.int64([1, 2])]);
  const penalty = graph.node('Mul', [graph.node('Sub', [graph.float(1), open]), graph.float(-3.4028234663852886e38)]);
  let hidden = hidden0;
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `layers.${layer}`;
    const part = (index: number): string => {
      const range = { from: index * d, rows: d };
      const projected = graph.node('Add', [matrix(graph, hidden, weights.value(graph, `${name}.attention.qkv.weight`, range)), weights.value(graph, `${name}.attention.qkv.bias`, range)]);
      return graph.node('Transpose', [graph.node('Reshape', [projected, graph.int64([0, 0, heads, d / heads])])], { perm: [0, 2, 1, 3] });
    };
    const keys = graph.node('Transpose', [part(1)], { perm: [0, 1, 3, 2] });
    const scores = graph.node('Div', [graph.node('MatMul', [part(0), keys]), graph.float(Math.sqrt(d / heads))]);
    const shares = graph.node('Softmax', [graph.node('Add', [scores, penalty])], { axis: -1 });
    const mixed = graph.node('Transpose', [graph.node('MatMul', [shares, part(2)])], { perm: [0, 2, 1, 3] });
    const joined = graph.node('Reshape', [mixed, graph.int64([0, 0, d])]);
    const dense = (x: string, weight: string): string => graph.node('Add', [matrix(graph, x, weights.value(graph, `${weight}.weight`)), weights.value(graph, `${weight}.bias`)]);
    const attended = norm(graph, weights, `${name}.attention.norm`, graph.node('Add', [dense(joined, `${name}.attention.output`), hidden]), shape);
    const up = dense(attended, `${name}.up`);
    const erf = graph.node('Add', [graph.node('Erf', [graph.node('Div', [up, graph.float(Math.SQRT2)])]), graph.float(1)]);
    const active = graph.node('Mul', [graph.node('Mul', [up, erf]), graph.float(0.5)]);
    hidden = norm(graph, weights, `${name}.norm`, graph.node('Add', [dense(active, `${name}.down`), attended]), shape);
  }
  graph.output(hidden, 'last_hidden_state', 'float', ['batch', 'sequence', d]);
}

function fast(graph: OnnxGraph, weights: WeightFile, shape: EncoderShape, pooling: readonly Pooling[], normalize: boolean): void {
  const { hiddenSize: d, attentionHeads } = shape;
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const type = weights.value(graph, 'embeddings.type', { from: 0, rows: 1 });
  const { hidden: hidden0, length } = embeddings(graph, weights, shape, ids, type);
  let hidden = hidden0;
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `layers.${layer}`;
    const weight = (suffix: string): string => weights.value(graph, `${name}.${suffix}`);
    const skipNorm = (x: string, skip: string, norms: string, bias: string): string =>
      graph.fused('SkipLayerNormalization', [x, skip, weight(`${norms}.gain`), weight(`${norms}.bias`), weight(bias)], { epsilon: { float: shape.layerNormEpsilon } });
    const qkv = graph.node('Add', [matrix(graph, hidden, weight('attention.qkv.weight')), weight('attention.qkv.bias')]);
    const parts = graph.nodes('Split', [qkv], 3, { axis: -1, num_outputs: 3 });
    // Without a mask: ONNX Runtime takes its flash attention only then.
    const mixed = graph.fused('MultiHeadAttention', parts, { num_heads: attentionHeads });
    const attended = skipNorm(matrix(graph, mixed, weight('attention.output.weight')), hidden, 'attention.norm', 'attention.output.bias');
    const active = graph.fused('BiasGelu', [matrix(graph, attended, weight('up.weight')), weight('up.bias')]);
    hidden = skipNorm(matrix(graph, active, weight('down.weight')), attended, 'norm', 'down.bias');
  }
  graph.output(poolGraph(graph, hidden, length, pooling, normalize), 'dense', 'float', ['batch', d * pooling.length]);
}

function reference(weights: ReadonlyMap<string, Float32Array>, shape: EncoderShape, ids: ArrayLike<number>): Float64Array {
  const { hiddenSize: d, attentionHeads, layers, layerNormEpsilon } = shape;
  const tokens = ids.length;
  const get = (name: string): Float32Array => {
    const weight = weights.get(name);
    if (weight === undefined) throw new Error(`no weight ${name}`);
    return weight;
  };
  const [word, position, type] = [get('embeddings.word'), get('embeddings.position'), get('embeddings.type')];
  const sum = Float64Array.from({ length: tokens * d }, (_, i) => {
    const t = Math.floor(i / d);
    const column = i % d;
    return (word[(ids[t] as number) * d + column] as number) + (position[t * d + column] as number) + (type[column] as number);
  });
  let hidden = layerNorm(sum, get('embeddings.norm.gain'), get('embeddings.norm.bias'), layerNormEpsilon);
  for (let layer = 0; layer < layers; layer++) {
    const of = (suffix: string): Float32Array => get(`layers.${layer}.${suffix}`);
    const project = (x: Float64Array, name: string): Float64Array => linear(x, tokens, of(`${name}.weight`), of(`${name}.bias`));
    const mixed = attention(project(hidden, 'attention.query'), project(hidden, 'attention.key'), project(hidden, 'attention.value'), tokens, attentionHeads);
    const attended = layerNorm(add(project(mixed, 'attention.output'), hidden), of('attention.norm.gain'), of('attention.norm.bias'), layerNormEpsilon);
    const active = gelu(project(attended, 'up'));
    hidden = layerNorm(add(project(active, 'down'), attended), of('norm.gain'), of('norm.bias'), layerNormEpsilon);
  }
  return hidden;
}

/** BERT: absolute positions from 0, token type 0, post-layer normalisation, erf GELU. */
export const bert: Architecture = { modelType: 'bert', shape, groups, portable, fast, reference };
