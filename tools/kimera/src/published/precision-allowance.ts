import type { VariantName } from '@kimera/core';

/** Added to a group's tolerance. Published figures are of float32 and float16 runs. */
export interface PrecisionAllowance {
  /** For similarities, weights and scores. */
  readonly figure: number;
  /** For the sum of a dense vector, where the differences of all its numbers add up. */
  readonly sum: number;
}

/**
 * - fp32: what the groups' tolerances are for.
 * - fp16: the same model's README (float16) and notebook (float32) differ by at most 6.0e-4 in a similarity and 1.8e-4
 *   in a weight. A vector at cosine 0.999999
 *   is 1.4e-3 away, and so is its sum if the signs are random; three times that.
 * - q4: exact by definition, only of weights that are 4-bit already.
 * - int8: fastembed-rs publishes lexical weights of an int8 conversion and of float32 for the same two texts; they
 *   differ by at most 0.0234. A vector at
 *   cosine 0.99 is 0.14 away, and so is its sum if the signs are random; twice that.
 */
export const PRECISION_ALLOWANCE: Readonly<Record<VariantName, PrecisionAllowance>> = {
  fp32: { figure: 0, sum: 0 },
  fp16: { figure: 0.001, sum: 0.004 },
  q4: { figure: 0, sum: 0 },
  int8: { figure: 0.03, sum: 0.3 },
};
