import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { gelu } from '../reference/float64.js';

export type Activation = 'identity' | 'tanh' | 'relu' | 'gelu' | 'sigmoid' | 'silu';

interface ActivationKind {
  readonly name: Activation;
  /** As config.json of a Dense module names it. */
  readonly torchClass: string;
  graph(graph: OnnxGraph, x: string): string;
  reference(x: Float64Array): Float64Array;
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/** x·(1 + erf(x/√2))/2 in standard operators. */
export function geluGraph(graph: OnnxGraph, x: string): string {
  const erf = graph.node('Add', [graph.node('Erf', [graph.node('Div', [x, graph.float(Math.SQRT2)])]), graph.float(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, erf]), graph.float(0.5)]);
}

/** Activations of sentence-transformers' Dense module, each as torch's class without arguments computes it. */
export const ACTIVATIONS: readonly ActivationKind[] = [
  { name: 'identity', torchClass: 'torch.nn.modules.linear.Identity', graph: (_, x) => x, reference: (x) => x },
  {
    name: 'tanh',
    torchClass: 'torch.nn.modules.activation.Tanh',
    graph: (graph, x) => graph.node('Tanh', [x]),
    reference: (x) => x.map(Math.tanh),
  },
  {
    name: 'relu',
    torchClass: 'torch.nn.modules.activation.ReLU',
    graph: (graph, x) => graph.node('Relu', [x]),
    reference: (x) => x.map((value) => Math.max(0, value)),
  },
  { name: 'gelu', torchClass: 'torch.nn.modules.activation.GELU', graph: geluGraph, reference: gelu },
  {
    name: 'sigmoid',
    torchClass: 'torch.nn.modules.activation.Sigmoid',
    graph: (graph, x) => graph.node('Sigmoid', [x]),
    reference: (x) => x.map(sigmoid),
  },
  {
    name: 'silu',
    torchClass: 'torch.nn.modules.activation.SiLU',
    graph: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
    reference: (x) => x.map((value) => value * sigmoid(value)),
  },
];

export function activation(name: Activation): ActivationKind {
  const kind = ACTIVATIONS.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new Error(`no activation ${name}`);
  return kind;
}
