import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import { fusedMatrixGraph } from './embeddings-graph.js';

/** How the fast graph multiplies by the encoder's weight matrices. */
export interface MatrixKernel {
  /** x [B, T, in] → x·Wᵀ [B, T, out]. */
  multiply(graph: OnnxGraph, x: string, weight: string): string;
  /** Queries, keys and values [B, T, D] of one input, without their biases. */
  project(graph: OnnxGraph, x: string, layer: string): readonly string[];
}

/** Multiplies in float32; each matrix is read from where it lies in its file. */
export function floatKernel(weights: GraphWeights, hiddenSize: number): MatrixKernel {
  return {
    multiply: (graph, x, weight) => fusedMatrixGraph(graph, x, weights.value(graph, weight)),
    // Three products: no slower than one that has to be split, and the matrices may lie in three places.
    project: (graph, x, layer) =>
      [0, 1, 2].map((part) =>
        fusedMatrixGraph(
          graph,
          x,
          weights.value(graph, `${layer}.attention.qkv.weight`, { from: part * hiddenSize, rows: hiddenSize }),
        ),
      ),
  };
}
