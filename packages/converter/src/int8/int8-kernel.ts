import type { EncoderShape, FeedForwardActivation } from '@kimera/reference-encoder';
import { biasOf, floatKernel, type MatrixKernel } from '../graphs/matrix-kernel.js';
import { ONNX_TYPES, type OnnxGraph } from '@kimera/onnx-file';
import { LARGEST_LEVEL } from './compensate-rounding.js';
import type { GraphWeights } from '../weights/graph-weights.js';
import type { WeightFile } from '../weights/weight-file.js';

/** Least magnitude of a row: a scale must not be 0. */
const ROW_FLOOR = 1e-20;

/** Names of a quantised matrix's arrays. */
export const int8Arrays = (
  weight: string,
): Readonly<Record<'levels' | 'scales' | 'smoothing' | 'offset' | 'channels' | 'channelWeights', string>> => ({
  levels: `${weight}.levels`,
  scales: `${weight}.scales`,
  /** What activations are multiplied with, [in]; absent where there is no smoothing. */
  smoothing: `${weight}.smoothing`,
  /** What is added to them then, [in]; absent where steps are dynamic. */
  offset: `${weight}.offset`,
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
 * Weights of 8 bits with a scale an output, activations of 8 bits with one step for all texts, or with dynamic steps, one
 * a row: a token's result does not depend on its neighbours (ONNX Runtime's DynamicQuantizeMatMul takes one scale for the
 * whole batch). Matrices that it has not in 8 bits are multiplied in float32, and so are the largest input channels of
 * the others: their levels are 0.
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
    const product = isStatic(weight) ? multiplyStatic(graph, x, weight) : multiplyDynamic(graph, x, weight);
    if (quantized.hasArray(names.channels)) return addChannels(graph, x, weight, product);
    return addsBias(weight) ? graph.node('Add', [product, weights.value(graph, biasOf(weight))]) : product;
  };
  const isStatic = (weight: string): boolean => quantized.hasArray(int8Arrays(weight).offset);
  const multiplyStatic = (graph: OnnxGraph, x: string, weight: string): string => {
    const offset = quantized.array(graph, int8Arrays(weight).offset);
    const centred = graph.node('Add', [smoothed(graph, x, weight), offset]);
    return integers(graph, weight, rounded(graph, centred, 1, 128));
  };
  const multiplyDynamic = (graph: OnnxGraph, x: string, weight: string): string => {
    const { largest, ...levels } = quantize(graph, x, weight);
    return graph.node('Mul', [integers(graph, weight, levels), largest]);
  };
  const integers = (graph: OnnxGraph, weight: string, levels: Levels): string => {
    const names = int8Arrays(weight);
    const matrix = { weights: quantized.array(graph, names.levels), scales: quantized.array(graph, names.scales) };
    return integerProduct(graph, { ...levels, ...matrix, sign });
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
    const shift = inputShift(weight, activation);
    if (shift === 0) return quantizePositiveRows(graph, graph.node('Max', [x, graph.float(ROW_FLOOR)]));
    if (shift !== undefined) return quantizePositiveRows(graph, graph.node('Add', [x, graph.float(shift)]));
    return quantizeRows(graph, smoothed(graph, x, weight));
  };
  const smoothed = (graph: OnnxGraph, x: string, weight: string): string => {
    const { smoothing } = int8Arrays(weight);
    return quantized.hasArray(smoothing) ? graph.node('Mul', [x, quantized.array(graph, smoothing)]) : x;
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

/** Values as whole numbers: value ≈ (level - zero) · step. */
interface Levels {
  /** [.., in] uint8. */
  readonly levels: string;
  /** Scalars: uint8 and float. */
  readonly zero: string;
  readonly step: string;
}

/** (levels - zero) · step · weights · scales in float32, [.., out]; the sums are exact. */
export function integerProduct(
  graph: OnnxGraph,
  parts: Levels & {
    /** [in, out] int8. */
    readonly weights: string;
    /** [out], or one number. */
    readonly scales: string;
    readonly sign: WeightSign;
  },
): string {
  const { levels, zero, step, weights, scales, sign } = parts;
  if (sign === 'signed') return graph.fused('MatMulIntegerToFloat', [levels, weights, step, scales, zero]);
  // Computed once, when the graph is loaded.
  const shifted = graph.node('Add', [graph.node('Cast', [weights], { to: ONNX_TYPES.float }), graph.float(128)]);
  const unsigned = graph.node('Cast', [shifted], { to: ONNX_TYPES.uint8 });
  return graph.fused('MatMulIntegerToFloat', [levels, unsigned, step, scales, zero, graph.uint8(128)]);
}

interface QuantizedRows extends Levels {
  /** [B, T, 1], what each row was divided by. */
  readonly largest: string;
}

/** Each row by its own largest magnitude. */
function quantizeRows(graph: OnnxGraph, x: string): QuantizedRows {
  const magnitude = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.int64([-1])], { keepdims: 1 });
  const largest = graph.node('Max', [magnitude, graph.float(ROW_FLOOR)]);
  return { largest, ...rounded(graph, graph.node('Div', [x, largest]), 1 / LARGEST_LEVEL, 128) };
}

/** Rows without negative numbers, each by its own largest one. */
function quantizePositiveRows(graph: OnnxGraph, x: string): QuantizedRows {
  const largest = graph.node('ReduceMax', [x, graph.int64([-1])], { keepdims: 1 });
  return { largest, ...rounded(graph, graph.node('Div', [x, largest]), 1 / 255, 0) };
}

/** In steps; values beyond the levels, 0 to 255, get the last one. */
function rounded(graph: OnnxGraph, x: string, step: number, zero: 0 | 128): Levels {
  const [steps, zeros] = [graph.float(step), graph.uint8(zero)];
  return { levels: graph.node('QuantizeLinear', [x, steps, zeros]), zero: zeros, step: steps };
}
