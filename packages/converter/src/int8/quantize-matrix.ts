import { type Compensation, compensation, LARGEST_LEVEL, roundCompensated } from './compensate-rounding.js';
import { COVARIANCE_BLOCK } from './input-statistics.js';

/** Magnitude of weights that count as zero: above float32's subnormal numbers. */
const ZERO = 1e-30;

export interface QuantizedMatrix {
  /** [in, out] row-major: as MatMulIntegerToFloat reads it. */
  readonly levels: Int8Array;
  /** [out]: weight ≈ level · scale. */
  readonly scales: Float32Array;
}

/**
 * Symmetric, one scale an output.
 * @param weight [out, in]. @param factors [in], multiplied into the columns before. @param covariances of the inputs, block
 * after block: weights are rounded so that the products lose least; without them each to the nearest level.
 */
export function quantizeMatrix(
  weight: Float32Array,
  outputs: number,
  factors: Float32Array,
  covariances: readonly Float64Array[] = [],
): QuantizedMatrix {
  const inputs = weight.length / outputs;
  const levels = new Int8Array(weight.length);
  const scales = new Float32Array(outputs);
  const blocks = covariances.map((block, i) =>
    compensation(block, factors.subarray(i * COVARIANCE_BLOCK, (i + 1) * COVARIANCE_BLOCK)),
  );
  const row = new Float64Array(inputs);
  const rounded = new Int8Array(inputs);
  for (let o = 0; o < outputs; o++) {
    let largest = 0;
    for (let i = 0; i < inputs; i++) {
      const value = (weight[o * inputs + i] as number) * (factors[i] as number);
      row[i] = value;
      largest = Math.max(largest, Math.abs(value));
    }
    // So small a row gets levels of zero with any scale; its own scale might be too small for a float32.
    const scale = largest < ZERO ? 1 : Math.fround(largest / LARGEST_LEVEL);
    scales[o] = scale;
    roundRow(blocks, row, scale, rounded);
    for (let i = 0; i < inputs; i++) levels[i * outputs + o] = rounded[i] as number;
  }
  return { levels, scales };
}

function roundRow(blocks: readonly Compensation[], row: Float64Array, scale: number, levels: Int8Array): void {
  if (blocks.length === 0) for (let i = 0; i < row.length; i++) levels[i] = Math.round((row[i] as number) / scale);
  for (const [i, block] of blocks.entries()) {
    const [from, to] = [i * COVARIANCE_BLOCK, (i + 1) * COVARIANCE_BLOCK];
    roundCompensated(block, row.subarray(from, to), scale, levels.subarray(from, to));
  }
}

/** Largest magnitude of each input's weights, [in]. @param weight [out, in]. */
export function columnMaxima(weight: Float32Array, outputs: number): Float32Array {
  const inputs = weight.length / outputs;
  const maxima = new Float32Array(inputs);
  for (let at = 0; at < weight.length; at++)
    maxima[at % inputs] = Math.max(maxima[at % inputs] as number, Math.abs(weight[at] as number));
  return maxima;
}

/** Sum of the squares of each input's weights, [in]. @param weight [out, in]. */
export function columnSquares(weight: Float32Array, outputs: number): Float64Array {
  const inputs = weight.length / outputs;
  const squares = new Float64Array(inputs);
  for (let at = 0; at < weight.length; at++)
    squares[at % inputs] = (squares[at % inputs] as number) + (weight[at] as number) ** 2;
  return squares;
}
