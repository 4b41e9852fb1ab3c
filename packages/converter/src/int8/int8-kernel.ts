import type { EncoderShape, FeedForwardActivation } from '@kimera/reference-encoder';
import { biasOf, floatKernel, type MatrixKernel } from '../graphs/matrix-kernel.js';
import { ONNX_TYPES, type OnnxGraph } from '@kimera/onnx-file';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { WeightFile } from '../weights/weight-file.js';

/** Least magnitude of a row: a scale must not be 0. */
const ROW_FLOOR = 1e-20;

/** Names of a quantised matrix's arrays. */
export const int8Arrays = (
  weight: string,
): Readonly<Record<'levels' | 'scales' | 'smoothing' | 'channels' | 'channelWeights', string>> => ({
  levels: `${weight}.levels`,
  scales: `${weight}.scales`,
  /** What activations are multiplied with, [in]; absent where there is no smoothing. */
  smoothing: `${weight}.smoothing`,
  /** Indexes of the input channels in float32, [K]; absent where there are none. */
  channels: `${weight}.channels`,
  /** Their weights, [K, out]; where the product gets a bias, [K + 1, out], the last row being the bias. */
  channelWeights: `${weight}.channels.weight`,
});

/** Whether the product of a matrix gets its bias here; attention adds that of its projections itself. */
export const addsBias = (weight: string): boolean => !weight.endsWith('.qkv.weight');

/**
 * GELU is nowhere below -0.16998: shifted by this much its values take all 256 levels instead of the upper half of
 * them. The bias takes the shift back. So with the other activations, each with a little more than its least value;
 * undefined where there is none, or where values of both signs are as large.
 */
const SHIFTS: Readonly<Record<FeedForwardActivation, number | undefined>> = {
  gelu: 0.17,
  gelu_10: 0.17,
  gelu_new: 0.1701,
  gelu_fast: 0.1701,
  quick_gelu: 0.1637,
  laplace: 0,
  leaky_relu: undefined,
  linear: undefined,
  mish: 0.309,
  relu: 0,
  relu2: 0,
  relu6: 0,
  sigmoid: 0,
  silu: 0.2785,
  tanh: undefined,
};

/** By how much the inputs of a matrix are shifted; undefined where they are quantised as they are. */
export function inputShift(weight: string, activation: FeedForwardActivation): number | undefined {
  return weight.endsWith('.down.weight') ? SHIFTS[activation] : undefined;
}

/**
 * `signed` weights are fastest, and saturate on x86 processors without VNNI: VPMADDUBSW adds two products in 16 bits.
 * `unsigned` ones, each 128 larger with a zero point of 128, give the same numbers and are exact everywhere.
 */
export type WeightSign = 'signed' | 'unsigned';

/**
 * Weights of 8 bits with a scale an output, activations of 8 bits with a scale a row: a token's result does not depend
 * on its neighbours (ONNX Runtime's DynamicQuantizeMatMul takes one scale for the whole batch). Matrices that it
 * has not in 8 bits are multiplied in float32, and so are the largest input channels of the others: their levels are 0.
 */
export function int8Kernel(
  quantized: WeightFile,
  weights: GraphWeights,
  { hiddenSize, activation }: Pick<EncoderShape, 'hiddenSize' | 'activation'>,
  sign: WeightSign,
): MatrixKernel {
  const float = floatKernel(weights, hiddenSize);
  const isQuantized = (weight: string): boolean => quantized.hasArray(int8Arrays(weight).levels);
  const multiplyQuantized = (graph: OnnxGraph, x: string, weight: string): string => {
    const names = int8Arrays(weight);
    const { levels, scale, zero } = quantize(graph, x, weight);
    const product = integerProduct(graph, {
      levels,
      zero,
      weights: quantized.array(graph, names.levels),
      scales: quantized.array(graph, names.scales),
      sign,
    });
    const scaled = graph.node('Mul', [product, scale]);
    if (quantized.hasArray(names.channels)) return addChannels(graph, x, weight, scaled);
    return addsBias(weight) ? graph.node('Add', [scaled, weights.value(graph, biasOf(weight))]) : scaled;
  };
  const addChannels = (graph: OnnxGraph, x: string, weight: string, product: string): string => {
    const names = int8Arrays(weight);
    const channels = graph.node('Gather', [x, quantized.array(graph, names.channels)], { axis: -1 });
    // Gemm adds as it multiplies, which spares a pass.
    return graph.node('Gemm', [
      // A channel of ones takes the bias: an addition of its own would be another pass over the product.
      addsBias(weight)
        ? graph.node('Pad', [channels, graph.int64([0, 1]), graph.float(1), graph.int64([-1])])
        : channels,
      quantized.array(graph, names.channelWeights),
      product,
    ]);
  };
  const quantize = (graph: OnnxGraph, x: string, weight: string): QuantizedRows => {
    const names = int8Arrays(weight);
    const shift = inputShift(weight, activation);
    if (shift === 0) return quantizePositiveRows(graph, graph.node('Max', [x, graph.float(ROW_FLOOR)]));
    if (shift !== undefined) return quantizePositiveRows(graph, graph.node('Add', [x, graph.float(shift)]));
    return quantizeRows(
      graph,
      quantized.hasArray(names.smoothing) ? graph.node('Mul', [x, quantized.array(graph, names.smoothing)]) : x,
    );
  };
  return {
    multiply: (graph, x, weight) =>
      isQuantized(weight) ? multiplyQuantized(graph, x, weight) : float.multiply(graph, x, weight),
    project(graph, x, layer) {
      const weight = `${layer}.attention.qkv.weight`;
      if (!isQuantized(weight)) return float.project(graph, x, layer);
      return graph.nodes('Split', [multiplyQuantized(graph, x, weight)], 3, {
        axis: -1,
        num_outputs: 3,
      });
    },
  };
}

/** (levels - zero) · weights · scales in float32, [.., out]; the sums are exact. */
export function integerProduct(
  graph: OnnxGraph,
  parts: {
    /** [.., in] uint8. */
    readonly levels: string;
    readonly zero: 0 | 128;
    /** [in, out] int8. */
    readonly weights: string;
    /** [out], or one number. */
    readonly scales: string;
    readonly sign: WeightSign;
  },
): string {
  const { levels, zero, weights, scales, sign } = parts;
  const inputs = [levels, weights, graph.float(1), scales, graph.uint8(zero)];
  if (sign === 'signed') return graph.fused('MatMulIntegerToFloat', inputs);
  // Computed once, when the graph is loaded.
  const shifted = graph.node('Add', [graph.node('Cast', [weights], { to: ONNX_TYPES.float }), graph.float(128)]);
  inputs[1] = graph.node('Cast', [shifted], { to: ONNX_TYPES.uint8 });
  return graph.fused('MatMulIntegerToFloat', [...inputs, graph.uint8(128)]);
}

interface QuantizedRows {
  /** [B, T, D] uint8. */
  readonly levels: string;
  /** [B, T, 1]: value ≈ (level - zero) · scale. */
  readonly scale: string;
  readonly zero: 0 | 128;
}

/** Each row by its own largest magnitude. */
function quantizeRows(graph: OnnxGraph, x: string): QuantizedRows {
  const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.int64([-1])], { keepdims: 1 });
  const scale = graph.node('Div', [graph.node('Max', [largest, graph.float(ROW_FLOOR)]), graph.float(127)]);
  return {
    levels: graph.node('QuantizeLinear', [graph.node('Div', [x, scale]), graph.float(1), graph.uint8(128)]),
    scale,
    zero: 128,
  };
}

/** Rows without negative numbers, each by its own largest one. */
function quantizePositiveRows(graph: OnnxGraph, x: string): QuantizedRows {
  const scale = graph.node('Div', [graph.node('ReduceMax', [x, graph.int64([-1])], { keepdims: 1 }), graph.float(255)]);
  return {
    levels: graph.node('QuantizeLinear', [graph.node('Div', [x, scale]), graph.float(1), graph.uint8(0)]),
    scale,
    zero: 0,
  };
}
