/** Factors are powers of 2 to an eighth: the last digits of measured activations differ between processors. */
const STEPS_PER_OCTAVE = 8;

/**
 * SmoothQuant (Xiao et al. 2022). Per input channel the factor that its activations are divided by and its weights
 * multiplied with: max|x|^α / max|w|^(1-α), [in]. 1 where all its numbers are 0.
 * @param activations max|x| a channel, [in]. @param weights max|w| a channel, [in]. @param alpha how much of a channel's
 * outliers goes from the activations into the weights.
 */
export function smoothingFactors(activations: Float32Array, weights: Float32Array, alpha: number): Float32Array {
  return activations.map((activation, i) => {
    const weight = weights[i] as number;
    if (!(activation > 0) || !(weight > 0)) return 1;
    return (
      2 ** (Math.round(Math.log2(activation ** alpha / weight ** (1 - alpha)) * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE)
    );
  });
}
