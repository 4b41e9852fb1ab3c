import type { OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import { fusedMatrixGraph } from './embeddings-graph.js';

/** How the fast graph multiplies by the encoder's weight matrices. */
export interface MatrixKernel {
  /** x [N, in] → x·Wᵀ + bias [N, out]. */
  multiply(graph: OnnxGraph, x: string, weight: string): string;
  /** Queries, keys and values [N, D] of one input, without their biases. */
  project(graph: OnnxGraph, x: string, layer: string): readonly string[];
}

/** Name of the bias that belongs to a matrix. */
export const biasOf = (weight: string): string => weight.replace(/weight$/, 'bias');

/** Multiplies in float32; each matrix is read from where it lies in its file. */
export function floatKernel(weights: GraphWeights, hiddenSize: number): MatrixKernel {
  return {
    multiply: (graph, x, weight) =>
      graph.node('Add', [
        fusedMatrixGraph(graph, x, weights.value(graph, weight)),
        weights.value(graph, biasOf(weight)),
      ]),
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
