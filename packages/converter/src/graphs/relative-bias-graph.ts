import type { OnnxGraph } from '@kimera/onnx-file';
import { LAST_DISTANCE, relativeBucket } from '@kimera/reference-encoder';
import type { GraphWeights } from '../weights/graph-weights.js';

/** What is added to the attention scores of every layer, by the distance of two tokens and the head: [1, H, T, T]. */
export function relativeBiasGraph(graph: OnnxGraph, weights: GraphWeights, length: string): string {
  // Rows of the table for the distances -LAST_DISTANCE to LAST_DISTANCE; all further ones have the rows of the ends.
  const buckets = graph.int64(
    Array.from({ length: 2 * LAST_DISTANCE + 1 }, (_, i) => relativeBucket(i - LAST_DISTANCE)),
  );
  const table = graph.node('Transpose', [weights.value(graph, 'attention.relative_bias')], { perm: [1, 0] });
  const byDistance = graph.node('Gather', [table, buckets], { axis: 1 });
  const places = graph.node('Range', [graph.int64([0], []), length, graph.int64([1], [])]);
  const distances = graph.node('Sub', [
    graph.node('Unsqueeze', [places, graph.int64([0])]),
    graph.node('Unsqueeze', [places, graph.int64([1])]),
  ]);
  const near = graph.node('Max', [
    graph.node('Min', [
      graph.node('Add', [distances, graph.int64([LAST_DISTANCE], [])]),
      graph.int64([2 * LAST_DISTANCE], []),
    ]),
    graph.int64([0], []),
  ]);
  return graph.node('Unsqueeze', [graph.node('Gather', [byDistance, near], { axis: 1 }), graph.int64([0])]);
}
