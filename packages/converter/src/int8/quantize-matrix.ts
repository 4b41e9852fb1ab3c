/** Largest magnitude of a quantised weight. */
const LARGEST_LEVEL = 127;

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
 * @param weight [out, in]. @param factors [in], multiplied into the columns before.
 */
export function quantizeMatrix(weight: Float32Array, outputs: number, factors: Float32Array): QuantizedMatrix {
  const inputs = weight.length / outputs;
  const levels = new Int8Array(weight.length);
  const scales = new Float32Array(outputs);
  const row = new Float32Array(inputs);
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
    for (let i = 0; i < inputs; i++) levels[i * outputs + o] = Math.round((row[i] as number) / scale);
  }
  return { levels, scales };
}

/** Largest magnitude of each input's weights, [in]. @param weight [out, in]. */
export function columnMaxima(weight: Float32Array, outputs: number): Float32Array {
  const inputs = weight.length / outputs;
  const maxima = new Float32Array(inputs);
  for (let at = 0; at < weight.length; at++)
    maxima[at % inputs] = Math.max(maxima[at % inputs] as number, Math.abs(weight[at] as number));
  return maxima;
}
