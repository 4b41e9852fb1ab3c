import type { OnnxGraph } from '@kimera/onnx-file';
import type { Activation } from '@kimera/reference-encoder';

/** x·(1 + erf(x/√2))/2 in standard operators. */
export function geluGraph(graph: OnnxGraph, x: string): string {
  const erf = graph.node('Add', [graph.node('Erf', [graph.node('Div', [x, graph.float(Math.SQRT2)])]), graph.float(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, erf]), graph.float(0.5)]);
}

/** The activations of packages/reference-encoder/src/activation.ts as graphs. */
export const ACTIVATION_GRAPHS: Readonly<Record<Activation, (graph: OnnxGraph, x: string) => string>> = {
  identity: (_, x) => x,
  tanh: (graph, x) => graph.node('Tanh', [x]),
  relu: (graph, x) => graph.node('Relu', [x]),
  gelu: geluGraph,
  sigmoid: (graph, x) => graph.node('Sigmoid', [x]),
  silu: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
};
