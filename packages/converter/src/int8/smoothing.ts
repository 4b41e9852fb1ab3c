/** SmoothQuant (Xiao et al. 2022): how much of a channel's outliers goes from the activations into the weights. */
const ALPHA = 0.5;
/**
 * Factors are powers of 2 to an eighth: the last digits of measured activations differ between processors, and the
 * file's bytes should not.
 */
const STEPS_PER_OCTAVE = 8;

/**
 * Per input channel the factor that its activations are divided by and its weights multiplied with: max|x|^α /
 * max|w|^(1-α), [in]. 1 where all its numbers are 0.
 * @param activations max|x| a channel, [in]. @param weights max|w| a channel, [in].
 */
export function smoothingFactors(activations: Float32Array, weights: Float32Array): Float32Array {
  return activations.map((activation, i) => {
    const weight = weights[i] as number;
    if (!(activation > 0) || !(weight > 0)) return 1;
    return (
      2 ** (Math.round(Math.log2(activation ** ALPHA / weight ** (1 - ALPHA)) * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE)
    );
  });
}
