import type { OnnxGraph } from '@kimera/onnx-file';
import { NORM_FLOOR } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';
import { fusedMatrixGraph } from './embeddings-graph.js';

/** [B, T, D] → [B, T], or [B, 0] where not wanted. */
export function sparseGraph(graph: OnnxGraph, weights: GraphWeights, hidden: string): string {
  const [weight, bias] = [weights.value(graph, 'heads.sparse.weight'), weights.value(graph, 'heads.sparse.bias')];
  const transposed = graph.node('Transpose', [weight], { perm: [1, 0] });
  return graph.conditional(
    graph.input('want_sparse', 'bool', []),
    () =>
      graph.node('Squeeze', [
        graph.node('Relu', [graph.node('Add', [graph.node('MatMul', [hidden, transposed]), bias])]),
        graph.int64([2]),
      ]),
    () =>
      emptyGraph(
        graph,
        graph.node('Squeeze', [
          graph.node('Slice', [hidden, graph.int64([0]), graph.int64([1]), graph.int64([2])]),
          graph.int64([2]),
        ]),
      ),
  );
}

/** [B, T, D] → [B, T - 1, C], or [B, 0, C] where not wanted. */
export function colbertGraph(graph: OnnxGraph, weights: GraphWeights, hidden: string, dimension: number): string {
  const [weight, bias] = [weights.value(graph, 'heads.colbert.weight'), weights.value(graph, 'heads.colbert.bias')];
  const projected = (x: string): string => graph.node('Add', [fusedMatrixGraph(graph, x, weight), bias]);
  return graph.conditional(
    graph.input('want_colbert', 'bool', []),
    () => {
      const rest = graph.node('Slice', [hidden, graph.int64([1]), graph.int64([2 ** 31 - 1]), graph.int64([1])]);
      const vectors = projected(rest);
      const norm = graph.node('Max', [
        graph.node('ReduceL2', [vectors, graph.int64([-1])], { keepdims: 1 }),
        graph.float(NORM_FLOOR),
      ]);
      return graph.node('Div', [vectors, norm]);
    },
    () => {
      const batch = graph.node('Slice', [graph.node('Shape', [hidden]), graph.int64([0]), graph.int64([1])]);
      return graph.node('Expand', [
        graph.float(0),
        graph.node('Concat', [batch, graph.int64([0, dimension])], { axis: 0 }),
      ]);
    },
  );
}

/** [B, T] → [B, 0]. */
function emptyGraph(graph: OnnxGraph, x: string): string {
  return graph.node('Slice', [x, graph.int64([0]), graph.int64([0]), graph.int64([1])]);
}
