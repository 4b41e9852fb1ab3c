import type { OnnxGraph } from '@kimera/onnx-file';
import { NORM_FLOOR } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';
import { fusedMatrixGraph } from './embeddings-graph.js';
import type { TextGroups } from './text-groups.js';

/** [N, D] → [N], or [0] where not wanted. */
export function sparseGraph(graph: OnnxGraph, weights: GraphWeights, hidden: string): string {
  const [weight, bias] = [weights.value(graph, 'heads.sparse.weight'), weights.value(graph, 'heads.sparse.bias')];
  const transposed = graph.node('Transpose', [weight], { perm: [1, 0] });
  return graph.conditional(
    graph.input('want_sparse', 'bool', []),
    () =>
      graph.node('Squeeze', [
        graph.node('Relu', [graph.node('Add', [graph.node('MatMul', [hidden, transposed]), bias])]),
        graph.int64([1]),
      ]),
    () => graph.node('Expand', [graph.float(0), graph.int64([0])]),
  );
}

/** [N, D] → [N - B, C], all tokens but the first of each text, or [0, C] where not wanted. */
export function colbertGraph(
  graph: OnnxGraph,
  weights: GraphWeights,
  hidden: string,
  { places }: TextGroups,
  dimension: number,
): string {
  const [weight, bias] = [weights.value(graph, 'heads.colbert.weight'), weights.value(graph, 'heads.colbert.bias')];
  const projected = (x: string): string => graph.node('Add', [fusedMatrixGraph(graph, x, weight), bias]);
  return graph.conditional(
    graph.input('want_colbert', 'bool', []),
    () => {
      const rest = graph.node('Squeeze', [graph.node('NonZero', [places]), graph.int64([0])]);
      const vectors = projected(graph.node('Gather', [hidden, rest], { axis: 0 }));
      const norm = graph.node('Max', [
        graph.node('ReduceL2', [vectors, graph.int64([-1])], { keepdims: 1 }),
        graph.float(NORM_FLOOR),
      ]);
      return graph.node('Div', [vectors, norm]);
    },
    () => graph.node('Expand', [graph.float(0), graph.int64([0, dimension])]),
  );
}
