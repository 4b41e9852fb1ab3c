import type { EncoderShape } from '@kimera/reference-encoder';
import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';

/** x · Wᵀ, W [out, in] as the checkpoint has it; the transposition is folded at load. */
export function matrixGraph(graph: OnnxGraph, x: string, weight: string): string {
  return graph.node('MatMul', [x, graph.node('Transpose', [weight], { perm: [1, 0] })]);
}

/** x · Wᵀ without a transposed copy: a session that does not prepack then reads W where the file is mapped. */
export function fusedMatrixGraph(graph: OnnxGraph, x: string, weight: string): string {
  return graph.fused('FusedMatMul', [x, weight], { transB: 1 });
}

export function normGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  name: string,
  x: string,
  shape: EncoderShape,
): string {
  return graph.node(
    'LayerNormalization',
    [x, weights.value(graph, `${name}.gain`), weights.value(graph, `${name}.bias`)],
    { axis: -1, epsilon: { float: shape.layerNormEpsilon } },
  );
}

/** T of input_ids [B, T], a scalar. */
export function lengthGraph(graph: OnnxGraph, ids: string): string {
  return graph.node('Gather', [graph.node('Shape', [ids]), graph.int64([1], [])], { axis: 0 });
}

/**
 * The first hidden state [B, T, D] of ids [B, T]; the tables are [., E]. @param positions rows of the position table, [T, E] or
 * [B, T, E]. @param
 * types rows of the token type table, or undefined where there are none.
 */
export function embeddingsGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  shape: EncoderShape,
  ids: string,
  positions: () => string,
  types: string | undefined,
): string {
  const word = weights.gather(graph, 'embeddings.word', ids);
  const typed = types === undefined ? word : graph.node('Add', [word, types]);
  const normed = normGraph(graph, weights, 'embeddings.norm', graph.node('Add', [typed, positions()]), shape);
  if (shape.embeddingSize === shape.hiddenSize) return normed;
  return graph.node('Add', [
    matrixGraph(graph, normed, weights.value(graph, 'embeddings.projection.weight')),
    weights.value(graph, 'embeddings.projection.bias'),
  ]);
}

/** Rows of the position table for ids [B, T], padding after the text: [B, T, E], or [T, E] for all texts. */
export function positionsGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  { padding }: EncoderShape,
  ids: string,
  length: string,
): string {
  const table = weights.value(graph, 'embeddings.position');
  if (padding === undefined)
    return graph.node('Slice', [
      table,
      graph.int64([0]),
      graph.node('Unsqueeze', [length, graph.int64([0])]),
      graph.int64([0]),
    ]);
  const isToken = tokensGraph(graph, ids, padding);
  const counted = graph.node('Mul', [graph.node('CumSum', [isToken, graph.int64([1], [])]), isToken]);
  return graph.node('Gather', [table, graph.node('Add', [counted, graph.int64([padding], [])])], { axis: 0 });
}

/** 1 for a token, 0 for padding. */
export function tokensGraph(graph: OnnxGraph, ids: string, padding: number): string {
  const isPadding = graph.node('Equal', [ids, graph.int64([padding], [])]);
  return graph.node('Cast', [graph.node('Not', [isPadding])], { to: 7 });
}
