import type { MatrixKernel } from '../encoder/matrix-kernel.js';
import type { OnnxGraph } from '../onnx/onnx-graph.js';
import type { WeightFile } from '../weights/weight-file.js';

/** Below it a row counts as zeros: its scale must not be 0. */
const ROW_FLOOR = 1e-20;

/** Names of a quantised matrix's arrays. */
export const int8Arrays = (weight: string): Readonly<Record<'levels' | 'scales' | 'smoothing', string>> => ({
  levels: `${weight}.levels`,
  scales: `${weight}.scales`,
  /** What activations are multiplied with, [in]; not there where there is no smoothing. */
  smoothing: `${weight}.smoothing`,
});

/**
 * Weights of 8 bits with a scale an output, activations of 8 bits with a scale a row: a token's result does not depend on its neighbours
 * (ONNX Runtime's DynamicQuantizeMatMul takes one scale for the whole batch).
 */
export function int8Kernel(weights: WeightFile): MatrixKernel {
  const multiplyQuantized = (graph: OnnxGraph, { levels, scale }: QuantizedRows, weight: string): string => {
    const names = int8Arrays(weight);
    const product = graph.fused('MatMulIntegerToFloat', [levels, weights.array(graph, names.levels), graph.float(1), weights.array(graph, names.scales), graph.uint8(128)]);
    return graph.node('Mul', [product, scale]);
  };
  const quantize = (graph: OnnxGraph, x: string, weight: string): QuantizedRows => {
    const { smoothing } = int8Arrays(weight);
    return quantizeRows(graph, weights.hasArray(smoothing) ? graph.node('Mul', [x, weights.array(graph, smoothing)]) : x);
  };
  return {
    multiply: (graph, x, weight) => multiplyQuantized(graph, quantize(graph, x, weight), weight),
    project(graph, x, layer) {
      const weight = `${layer}.attention.qkv.weight`;
      return graph.nodes('Split', [multiplyQuantized(graph, quantize(graph, x, weight), weight)], 3, { axis: -1, num_outputs: 3 });
    },
  };
}

interface QuantizedRows {
  /** [B, T, D] uint8, 128 is zero. */
  readonly levels: string;
  /** [B, T, 1]: value ≈ (level - 128) · scale. */
  readonly scale: string;
}

/** Each row by its own largest magnitude. */
function quantizeRows(graph: OnnxGraph, x: string): QuantizedRows {
  const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.int64([-1])], { keepdims: 1 });
  const scale = graph.node('Div', [graph.node('Max', [largest, graph.float(ROW_FLOOR)]), graph.float(127)]);
  return { levels: graph.node('QuantizeLinear', [graph.node('Div', [x, scale]), graph.float(1), graph.uint8(128)]), scale };
}
