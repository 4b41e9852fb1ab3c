import type { EncoderShape, ModuleChain, TokenHeads } from '@kimera/reference-encoder';
import { dimensionOf } from '../model/module-weights.js';
import { poolGraph } from './pooling-graph.js';
import { colbertGraph, sparseGraph } from './head-graphs.js';
import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { MatrixKernel } from './matrix-kernel.js';
import { FEED_FORWARD_GRAPHS } from './activation-graph.js';
import { embeddingsGraph, lengthGraph } from './embeddings-graph.js';
import { relativeBiasGraph } from './relative-bias-graph.js';

/**
 * ONNX Runtime's own operators. input_ids [B, T] of equal lengths → dense [B, D'], and where the model's last step is to
 * divide it by its norm, pooled [B, D'], what it was before. Where the model leaves prompts out
 * of its pooling: a second input prompt_tokens [B], how many tokens at the head of each text to leave out. Where it has
 * heads: inputs want_sparse and want_colbert (bool scalars) and outputs sparse [B, T], colbert [B, T - 1, C]; [B, 0]
 * and [B, 0, C] where not wanted, and then nothing is computed for them.
 */
export function fastGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  kernel: MatrixKernel,
  shape: EncoderShape,
  modules: ModuleChain,
  heads: TokenHeads,
): void {
  const { hidden, length } = encoderGraph(graph, weights, kernel, shape);
  const promptTokens =
    modules.promptPooling === 'excluded' ? graph.input('prompt_tokens', 'int64', ['batch']) : undefined;
  const dimension = dimensionOf(modules, shape.hiddenSize);
  const { dense, pooled } = poolGraph(graph, weights, hidden, length, shape.hiddenSize, modules, promptTokens);
  graph.output(dense, 'dense', 'float', ['batch', dimension]);
  if (pooled !== undefined) graph.output(pooled, 'pooled', 'float', ['batch', dimension]);
  if (heads.sparse !== undefined)
    graph.output(sparseGraph(graph, weights, hidden), 'sparse', 'float', ['batch', 'weighted_tokens']);
  if (heads.colbert !== undefined)
    graph.output(colbertGraph(graph, weights, hidden, heads.colbert.dimension), 'colbert', 'float', [
      'batch',
      'colbert_tokens',
      heads.colbert.dimension,
    ]);
}

/** input_ids [B, T] → the last hidden states [B, T, D], and T. */
export function encoderGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  kernel: MatrixKernel,
  shape: EncoderShape,
): { readonly hidden: string; readonly length: string } {
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const length = lengthGraph(graph, ids);
  const type =
    shape.typeVocabularySize === 0 ? undefined : weights.value(graph, 'embeddings.type', { from: 0, rows: 1 });
  let hidden = embeddingsGraph(graph, weights, shape, ids, length, type);
  const bias = shape.relativeBiasRows === 0 ? [] : ['', relativeBiasGraph(graph, weights, length)];
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `layers.${layer}`;
    const weight = (suffix: string): string => weights.value(graph, `${name}.${suffix}`);
    // Additions are nodes of their own: ONNX Runtime's SkipLayerNormalization and BiasGelu are slower than these
    // (docs/decisions/2026-11-30-fused-kernels.md).
    const skipNorm = (x: string, skip: string, norms: string, bias: string): string =>
      graph.node(
        'LayerNormalization',
        [
          graph.node('Add', [graph.node('Add', [x, weight(bias)]), skip]),
          weight(`${norms}.gain`),
          weight(`${norms}.bias`),
        ],
        { axis: -1, epsilon: { float: shape.layerNormEpsilon } },
      );
    // Without a mask, since ONNX Runtime uses its flash attention only then; a bias rules it out too.
    const mixed = graph.fused(
      'MultiHeadAttention',
      [...kernel.project(graph, hidden, name), weight('attention.qkv.bias'), ...bias],
      { num_heads: shape.attentionHeads },
    );
    const attended = skipNorm(
      kernel.multiply(graph, mixed, `${name}.attention.output.weight`),
      hidden,
      'attention.norm',
      'attention.output.bias',
    );
    const up = [kernel.multiply(graph, attended, `${name}.up.weight`), weight('up.bias')];
    const active =
      shape.activation === 'gelu'
        ? graph.fused('Gelu', [graph.node('Add', up)])
        : FEED_FORWARD_GRAPHS[shape.activation](graph, graph.node('Add', up));
    hidden = skipNorm(kernel.multiply(graph, active, `${name}.down.weight`), attended, 'norm', 'down.bias');
  }
  return { hidden, length };
}
