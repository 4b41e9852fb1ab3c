import { KimeraError } from './errors/kimera-error.js';
import type { Head } from './space.js';

/** Weights of a hybrid score whose sum is not above 0. */
export class HybridWeightsError extends KimeraError {
  readonly code = 'HYBRID_WEIGHTS';
  readonly kind = 'caller';
  constructor(readonly sum: number) {
    super(`the weights of a hybrid score add up to ${sum}, more than 0 is needed`, { sum });
  }
}

export type HeadScores = Readonly<Partial<Record<Head, number>>>;

/**
 * Σ weight·score / Σ weight over the heads that have both; bge-m3's examples use dense 0.4, sparse 0.2, colbert 0.4.
 * @throws HybridWeightsError.
 */
export function hybridScore(scores: HeadScores, weights: HeadScores): number {
  let sum = 0;
  let total = 0;
  for (const head of ['dense', 'sparse', 'colbert'] as const) {
    const score = scores[head];
    const weight = weights[head];
    if (score === undefined || weight === undefined) continue;
    sum += weight * score;
    total += weight;
  }
  if (!(total > 0)) throw new HybridWeightsError(total);
  return sum / total;
}
