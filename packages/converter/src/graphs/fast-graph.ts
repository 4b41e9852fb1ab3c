import type { EncoderShape, ModuleChain, TokenHeads } from '@kimera/reference-encoder';
import { dimensionOf } from '../model/module-weights.js';
import { poolGraph } from './pooling-graph.js';
import { colbertGraph, sparseGraph } from './head-graphs.js';
import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { MatrixKernel } from './matrix-kernel.js';
import { FEED_FORWARD_GRAPHS } from './activation-graph.js';
import { embeddingsGraph, tokensGraph } from './embeddings-graph.js';
import { relativeBiasGraph } from './relative-bias-graph.js';
import { type TextGroups, textGroups } from './text-groups.js';

/**
 * ONNX Runtime's own operators. input_ids [N], token_places [N] and groups [G, 2] ({@link textGroups}) → dense [B, D'],
 * and where the model's last step is to divide it by its norm, pooled [B, D'], what it was before. Where the model
 * leaves prompts out of its pooling: a further input prompt_tokens [B], how many tokens at the head of each text to
 * leave out. Where it has heads: inputs want_sparse and want_colbert (bool scalars) and outputs sparse [N], colbert
 * [N - B, C]; [0] and [0, C] where not wanted, and then nothing is computed for them.
 */
export function fastGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  kernel: MatrixKernel,
  shape: EncoderShape,
  modules: ModuleChain,
  heads: TokenHeads,
): void {
  const { hidden, groups } = encoderGraph(graph, weights, kernel, shape);
  const promptTokens =
    modules.promptPooling === 'excluded' ? graph.input('prompt_tokens', 'int64', ['batch']) : undefined;
  const dimension = dimensionOf(modules, shape.hiddenSize);
  const { dense, pooled } = poolGraph(graph, weights, hidden, groups, shape.hiddenSize, modules, promptTokens);
  graph.output(dense, 'dense', 'float', ['batch', dimension]);
  if (pooled !== undefined) graph.output(pooled, 'pooled', 'float', ['batch', dimension]);
  if (heads.sparse !== undefined)
    graph.output(sparseGraph(graph, weights, hidden), 'sparse', 'float', ['weighted_tokens']);
  if (heads.colbert !== undefined)
    graph.output(colbertGraph(graph, weights, hidden, groups, heads.colbert.dimension), 'colbert', 'float', [
      'colbert_tokens',
      heads.colbert.dimension,
    ]);
}

/** The last hidden states [N, D], and the groups that its inputs are in. */
export function encoderGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  kernel: MatrixKernel,
  shape: EncoderShape,
): { readonly hidden: string; readonly groups: TextGroups } {
  const groups = textGroups(graph);
  const type =
    shape.typeVocabularySize === 0 ? undefined : weights.value(graph, 'embeddings.type', { from: 0, rows: 1 });
  const positions = (): string =>
    graph.node('Gather', [weights.value(graph, 'embeddings.position'), placedPositions(graph, shape, groups)], {
      axis: 0,
    });
  const row = graph.node('Unsqueeze', [groups.ids, graph.int64([0])]);
  let hidden = graph.node('Squeeze', [embeddingsGraph(graph, weights, shape, row, positions, type), graph.int64([0])]);
  const bias = shape.relativeBiasRows === 0 ? undefined : relativeBiasGraph(graph, weights, groups.longest);
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `layers.${layer}`;
    const weight = (suffix: string): string => weights.value(graph, `${name}.${suffix}`);
    // Additions are nodes of their own: ONNX Runtime's SkipLayerNormalization and BiasGelu are slower than these
    // (docs/decisions/2026-11-30-fused-kernels.md).
    const skipNorm = (x: string, skip: string, norms: string): string =>
      graph.node(
        'LayerNormalization',
        [graph.node('Add', [x, skip]), weight(`${norms}.gain`), weight(`${norms}.bias`)],
        { axis: -1, epsilon: { float: shape.layerNormEpsilon } },
      );
    const projections = kernel.project(graph, hidden, name);
    const projectionBias = weight('attention.qkv.bias');
    // Without a mask, since ONNX Runtime uses its flash attention only then; a bias rules it out too.
    const mixed = groups.each(projections, (parts, group) =>
      graph.node('Reshape', [
        graph.fused(
          'MultiHeadAttention',
          [...parts, projectionBias, ...(bias === undefined ? [] : ['', group.square(bias)])],
          { num_heads: shape.attentionHeads },
        ),
        graph.int64([-1, shape.hiddenSize]),
      ]),
    );
    const attended = skipNorm(
      kernel.multiply(graph, mixed, `${name}.attention.output.weight`),
      hidden,
      'attention.norm',
    );
    const up = kernel.multiply(graph, attended, `${name}.up.weight`);
    const active =
      shape.activation === 'gelu' ? graph.fused('Gelu', [up]) : FEED_FORWARD_GRAPHS[shape.activation](graph, up);
    hidden = skipNorm(kernel.multiply(graph, active, `${name}.down.weight`), attended, 'norm');
  }
  return { hidden, groups };
}

/** Rows of the position table for each token, [N]. */
function placedPositions(graph: OnnxGraph, { padding }: EncoderShape, { ids, places }: TextGroups): string {
  if (padding === undefined) return places;
  const isToken = tokensGraph(graph, ids, padding);
  const counted = graph.node('CumSum', [isToken, graph.int64([0], [])]);
  // Those of the texts before are not counted.
  const all = graph.node('Squeeze', [graph.node('Shape', [ids]), graph.int64([0])]);
  const index = graph.node('Range', [graph.int64([0], []), all, graph.int64([1], [])]);
  const before = graph.node('Gather', [graph.node('Sub', [counted, isToken]), graph.node('Sub', [index, places])], {
    axis: 0,
  });
  return graph.node('Add', [
    graph.node('Mul', [graph.node('Sub', [counted, before]), isToken]),
    graph.int64([padding], []),
  ]);
}
