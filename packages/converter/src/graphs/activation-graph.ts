import type { OnnxGraph } from '@kimera/onnx-file';
import type { Activation, FeedForwardActivation } from '@kimera/reference-encoder';

type ActivationGraph = (graph: OnnxGraph, x: string) => string;

const erfGraph: ActivationGraph = (graph, x) =>
  graph.node('Add', [graph.node('Erf', [graph.node('Div', [x, graph.float(Math.SQRT2)])]), graph.float(1)]);

/** x·(1 + erf(x/√2))/2 in standard operators. */
const geluGraph: ActivationGraph = (graph, x) =>
  graph.node('Mul', [graph.node('Mul', [x, erfGraph(graph, x)]), graph.float(0.5)]);

/** x·sigmoid(c·x). */
const sigmoidUnit =
  (c: number): ActivationGraph =>
  (graph, x) =>
    graph.node('Mul', [x, graph.node('Sigmoid', [c === 1 ? x : graph.node('Mul', [x, graph.float(c)])])]);

/** x·(1 + tanh(√(2/π)·(x + .044715·x³)))/2. */
const tanhGeluGraph: ActivationGraph = (graph, x) => {
  const cubic = graph.node('Mul', [graph.node('Mul', [graph.node('Mul', [x, x]), x]), graph.float(0.044715)]);
  const inner = graph.node('Mul', [graph.node('Add', [x, cubic]), graph.float(Math.sqrt(2 / Math.PI))]);
  const share = graph.node('Add', [graph.node('Tanh', [inner]), graph.float(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, share]), graph.float(0.5)]);
};

const between =
  (least: number, largest: number, of: ActivationGraph): ActivationGraph =>
  (graph, x) =>
    graph.node('Clip', [of(graph, x), graph.float(least), graph.float(largest)]);

const same: ActivationGraph = (_, x) => x;
const relu: ActivationGraph = (graph, x) => graph.node('Relu', [x]);
const sigmoid: ActivationGraph = (graph, x) => graph.node('Sigmoid', [x]);
const tanh: ActivationGraph = (graph, x) => graph.node('Tanh', [x]);

/** The activations of packages/reference-encoder/src/activation.ts as graphs. */
export const ACTIVATION_GRAPHS: Readonly<Record<Activation, ActivationGraph>> = {
  identity: same,
  tanh,
  relu,
  gelu: geluGraph,
  sigmoid,
  silu: sigmoidUnit(1),
};

/** Those of feed-forward layers in standard operators. */
export const FEED_FORWARD_GRAPHS: Readonly<Record<FeedForwardActivation, ActivationGraph>> = {
  gelu: geluGraph,
  gelu_10: between(-10, 10, geluGraph),
  gelu_new: tanhGeluGraph,
  // Its constant is √(2/π) in float32.
  gelu_fast: tanhGeluGraph,
  quick_gelu: sigmoidUnit(1.702),
  laplace: (graph, x) => {
    const centred = graph.node('Div', [graph.node('Sub', [x, graph.float(0.707107)]), graph.float(0.282095)]);
    return graph.node('Mul', [erfGraph(graph, centred), graph.float(0.5)]);
  },
  leaky_relu: (graph, x) => graph.node('LeakyRelu', [x], { alpha: { float: 0.01 } }),
  linear: same,
  // tanh(ln(1 + eˣ)) = e·(e + 2) / (e·(e + 2) + 2) with e = eˣ; from 20 on it is 1 in float32.
  mish: (graph, x) => {
    const power = graph.node('Exp', [graph.node('Min', [x, graph.float(20)])]);
    const product = graph.node('Mul', [power, graph.node('Add', [power, graph.float(2)])]);
    return graph.node('Mul', [x, graph.node('Div', [product, graph.node('Add', [product, graph.float(2)])])]);
  },
  relu,
  relu2: (graph, x) => {
    const positive = relu(graph, x);
    return graph.node('Mul', [positive, positive]);
  },
  relu6: between(0, 6, same),
  sigmoid,
  silu: sigmoidUnit(1),
  tanh,
};
