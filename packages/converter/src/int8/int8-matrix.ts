import { LARGEST_LEVEL } from './compensate-rounding.js';
import { type InputStatistics, largestMagnitudes, variances } from './input-statistics.js';
import { columnMaxima, columnSquares, quantizeMatrix, type QuantizedMatrix } from './quantize-matrix.js';
import { smoothingFactors } from './smoothing.js';

/**
 * How much of a channel's outliers goes from the activations into the weights. With static steps more of them, since a
 * large channel makes the steps of all texts coarse.
 */
const ALPHA = { static: 0.7, dynamic: 0.5 } as const;

/**
 * Largest error of static steps, as a share of the variance of the product, with which a matrix has them
 * (docs/decisions/2026-12-01-static-steps.md).
 */
const STATIC_ERROR = 1e-3;

/**
 * Input channels of a matrix that are multiplied in float32: at most so many, and at most one in `INPUTS_A_CHANNEL`. Twice
 * as many gain little (docs/decisions/2026-11-30-float32-channels.md).
 */
const FLOAT_CHANNELS = 8;
const INPUTS_A_CHANNEL = 16;

/** A matrix in 8 bits. */
export interface Int8Matrix extends QuantizedMatrix {
  /** What activations are multiplied with, [in]; undefined where they are taken as they are. */
  readonly smoothing: Float32Array | undefined;
  /** What is added to them then, [in]: they are levels, between -127 and 127. Undefined where steps are dynamic. */
  readonly offset: Float32Array | undefined;
  /** What the product lacks in the mean, [out]: the part of `offset`, and errors of rounded weights. */
  readonly correction: Float64Array;
  /** Input channels in float32, ascending; their levels and their smoothing are 0. */
  readonly channels: readonly number[];
  /** Their weights, [channels, out]. */
  readonly channelWeights: Float32Array;
}

/**
 * Steps of the inputs are static, the same for all texts, where that is near enough: else dynamic, those of each token's
 * row from its largest value, which takes more passes.
 * @param weight [out, in]. @param statistics of its inputs; undefined where they were not measured: then steps are
 * dynamic, and no channel is in float32.
 */
export function int8Matrix(
  weight: Float32Array,
  outputs: number,
  statistics: InputStatistics | undefined,
  uses: MatrixUses,
): Int8Matrix {
  if (statistics === undefined) return unmeasuredMatrix(weight, outputs);
  const fixed = uses.staticSteps ? staticSteps(weight, outputs, statistics) : undefined;
  const isStatic = fixed !== undefined && fixed.error <= STATIC_ERROR;
  const { centres, factors, channels } = isStatic ? fixed : dynamicSteps(weight, outputs, statistics, uses);
  const quantized = quantizeMatrix(weight, outputs, factors, statistics.covariances);
  const step = isStatic ? fixed.step : 1;
  const smoothing = factors.map((factor) => inverse(factor) / step);
  return {
    levels: quantized.levels,
    scales: quantized.scales.map((scale) => scale * step),
    smoothing: uses.isNormed ? smoothing : undefined,
    offset: isStatic ? smoothing.map((value, i) => -value * (centres[i] as number)) : undefined,
    correction: correctionOf(weight, quantized, factors, centres, statistics.mean),
    channels,
    channelWeights: weightsOf(channels, weight, outputs),
  };
}

function unmeasuredMatrix(weight: Float32Array, outputs: number): Int8Matrix {
  return {
    ...quantizeMatrix(weight, outputs, new Float32Array(weight.length / outputs).fill(1)),
    smoothing: undefined,
    offset: undefined,
    correction: new Float64Array(outputs),
    channels: [],
    channelWeights: new Float32Array(),
  };
}

/** How the inputs of a matrix are made whole numbers. */
interface InputSteps {
  /** What is taken from each channel, [in]. */
  readonly centres: Float32Array;
  /** Step of each channel over the matrix's or the row's, [in]; 0: the channel is in float32. */
  readonly factors: Float32Array;
  readonly channels: readonly number[];
}

interface StaticSteps extends InputSteps {
  readonly step: number;
  /** Of the product, as a share of its variance. Channels are taken to be independent. */
  readonly error: number;
}

function staticSteps(weight: Float32Array, outputs: number, statistics: InputStatistics): StaticSteps {
  // Around the middle of what a channel takes, its values need the smallest steps.
  const centres = statistics.low.map((value, i) => (value + (statistics.high[i] as number)) / 2);
  const magnitudes = largestMagnitudes(statistics, centres);
  const factors = smoothingFactors(magnitudes, columnMaxima(weight, outputs), ALPHA.static);
  const channels = largestChannels(magnitudes);
  for (const channel of channels) factors[channel] = 0;
  const largest = magnitudes.reduce((max, value, i) => Math.max(max, inverse(factors[i] as number) * value), 0);
  // Inputs that never change have levels of 0 with any step.
  const step = Math.fround(largest / LARGEST_LEVEL) || 1;
  const squares = columnSquares(weight, outputs);
  // Values between two levels are taken to be equally likely.
  const error = squares.reduce((sum, square, i) => sum + (square * ((factors[i] as number) * step) ** 2) / 12, 0);
  const variance = variances(statistics).reduce((sum, value, i) => sum + value * (squares[i] as number), 0);
  return { centres, factors, channels, step, error: error / variance };
}

function dynamicSteps(
  weight: Float32Array,
  outputs: number,
  statistics: InputStatistics,
  { isNormed, floatChannels }: MatrixUses,
): InputSteps {
  const centres = new Float32Array(weight.length / outputs);
  const magnitudes = largestMagnitudes(statistics, centres);
  const factors = isNormed
    ? smoothingFactors(magnitudes, columnMaxima(weight, outputs), ALPHA.dynamic)
    : centres.map(() => 1);
  const channels = floatChannels ? largestChannels(magnitudes) : [];
  for (const channel of channels) factors[channel] = 0;
  return { centres, factors, channels };
}

const inverse = (factor: number): number => (factor === 0 ? 0 : 1 / factor);

/**
 * weight · centres, and (weight · factors - levels · scales) · (mean - centres) / factors, [out]; nothing of the channels
 * in float32.
 */
function correctionOf(
  weight: Float32Array,
  { levels, scales }: QuantizedMatrix,
  factors: Float32Array,
  centres: Float32Array,
  mean: Float64Array,
): Float64Array {
  const [inputs, outputs] = [factors.length, scales.length];
  const correction = new Float64Array(outputs);
  for (let i = 0; i < inputs; i++) {
    const [factor, centre] = [factors[i] as number, centres[i] as number];
    if (factor === 0) continue;
    const rest = ((mean[i] as number) - centre) / factor;
    for (let o = 0; o < outputs; o++) {
      const value = weight[o * inputs + i] as number;
      const error = value * factor - (levels[i * outputs + o] as number) * (scales[o] as number);
      correction[o] = (correction[o] as number) + value * centre + error * rest;
    }
  }
  return correction;
}

/** [channels, out]. */
function weightsOf(channels: readonly number[], weight: Float32Array, outputs: number): Float32Array {
  const inputs = weight.length / outputs;
  return Float32Array.from(
    { length: channels.length * outputs },
    (_, at) => weight[(at % outputs) * inputs + (channels[Math.floor(at / outputs)] as number)] as number,
  );
}

/** What helps a matrix, by where its inputs come from. */
export interface MatrixUses {
  /** A LayerNorm gives its inputs: they have outliers in the same channels for every text, which smoothing takes. */
  readonly isNormed: boolean;
  /** Static steps: a LayerNorm bounds its inputs, and no attention enlarges its errors. */
  readonly staticSteps: boolean;
  /** Channels in float32: a mean over values of the attention has no outliers. */
  readonly floatChannels: boolean;
}

export function usesOf(weight: string): MatrixUses {
  return {
    isNormed: weight.endsWith('.qkv.weight') || weight.endsWith('.up.weight'),
    staticSteps: weight.endsWith('.up.weight'),
    floatChannels: !weight.endsWith('.attention.output.weight'),
  };
}

/** The channels of the largest magnitudes, ascending. */
function largestChannels(activations: Float32Array): readonly number[] {
  const count = Math.min(FLOAT_CHANNELS, Math.floor(activations.length / INPUTS_A_CHANNEL));
  return Array.from(activations.keys())
    .sort((a, b) => (activations[b] as number) - (activations[a] as number) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}
