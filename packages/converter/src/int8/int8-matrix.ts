import { columnMaxima, quantizeMatrix, type QuantizedMatrix } from './quantize-matrix.js';
import { smoothingFactors } from './smoothing.js';

/**
 * Input channels of a matrix that are multiplied in float32: at most so many, and at most one in `INPUTS_A_CHANNEL`. Twice
 * as many gain little (docs/decisions/2026-11-30-float32-channels.md).
 */
const FLOAT_CHANNELS = 8;
const INPUTS_A_CHANNEL = 16;

/** A matrix in 8 bits, beside the weights of its largest input channels in float32. */
export interface Int8Matrix extends QuantizedMatrix {
  /** What activations are multiplied with, [in]; undefined where they are taken as they are. */
  readonly smoothing: Float32Array | undefined;
  /** Input channels in float32, ascending; their levels and their smoothing are 0. */
  readonly channels: readonly number[];
  /** Their weights, [channels, out]. */
  readonly channelWeights: Float32Array;
}

/**
 * @param weight [out, in]. @param activations max|x| of each input channel, [in]; undefined where they were not measured:
 * then no channel is in float32.
 */
export function int8Matrix(
  weight: Float32Array,
  outputs: number,
  activations: Float32Array | undefined,
  uses: MatrixUses,
): Int8Matrix {
  const inputs = weight.length / outputs;
  const channels = activations === undefined || !uses.floatChannels ? [] : largestChannels(activations);
  const factors =
    activations === undefined || !uses.smoothing
      ? new Float32Array(inputs).fill(1)
      : smoothingFactors(activations, columnMaxima(weight, outputs));
  for (const channel of channels) factors[channel] = 0;
  const channelWeights = new Float32Array(channels.length * outputs);
  for (const [row, channel] of channels.entries())
    for (let o = 0; o < outputs; o++) channelWeights[row * outputs + o] = weight[o * inputs + channel] as number;
  return {
    ...quantizeMatrix(weight, outputs, factors),
    smoothing:
      activations === undefined || !uses.smoothing
        ? undefined
        : factors.map((factor) => (factor === 0 ? 0 : 1 / factor)),
    channels,
    channelWeights,
  };
}

/** What helps a matrix, by where its inputs come from. */
export interface MatrixUses {
  /** Smoothing: inputs that a LayerNorm gives have outliers in the same channels for every text. */
  readonly smoothing: boolean;
  /** Channels in float32: a mean over values of the attention has no outliers. */
  readonly floatChannels: boolean;
}

export function usesOf(weight: string): MatrixUses {
  return {
    smoothing: weight.endsWith('.qkv.weight') || weight.endsWith('.up.weight'),
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
