/**
 * Neighbouring channels whose covariances are measured: the square of their number is kept for each block, and rounding
 * a weight makes up only for errors within its block.
 */
export const COVARIANCE_BLOCK = 128;

/** Tokens from which covariances are known well enough, and the least and largest value those of other texts too. */
export const LEAST_TOKENS = 2_000;

/** What the inputs x [in] of a matrix were over the tokens of the calibration texts. */
export interface InputStatistics {
  /** Least and largest value of each channel, [in]. */
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** [in]. */
  readonly mean: Float64Array;
  /** [n, n] for each block of {@link COVARIANCE_BLOCK} channels; none with fewer than {@link LEAST_TOKENS}. */
  readonly covariances: readonly Float64Array[];
}

/** Channels of each block. */
export function blockWidths(inputs: number): readonly number[] {
  return Array.from({ length: Math.ceil(inputs / COVARIANCE_BLOCK) }, (_, block) =>
    Math.min(COVARIANCE_BLOCK, inputs - block * COVARIANCE_BLOCK),
  );
}

/** max|x - centre| of each channel, [in]. */
export function largestMagnitudes({ low, high }: InputStatistics, centres: Float32Array): Float32Array {
  return high.map((value, i) => Math.max(value - (centres[i] as number), (centres[i] as number) - (low[i] as number)));
}

/** Of each channel, [in]; [] where they are not known. */
export function variances({ covariances }: InputStatistics): readonly number[] {
  return covariances.flatMap((block) => {
    const width = Math.sqrt(block.length);
    return Array.from({ length: width }, (_, i) => block[i * (width + 1)] as number);
  });
}
