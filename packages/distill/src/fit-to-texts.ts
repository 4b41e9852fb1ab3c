import { norm } from '@kimera/core';

/** Texts and what their vectors should be. */
export interface TextTargets {
  /** Token ids of B texts, without special and unknown tokens. */
  readonly texts: readonly Int32Array[];
  /** [B, D], of length about 1. */
  readonly targets: Float32Array;
}

export interface FitOptions {
  /**
   * How strongly vectors are held where they start: a token that stands in this many texts goes about half the way, one
   * that stands in none stays.
   */
  readonly hold: number;
  /** Times that the lengths of the texts' sums are taken anew. */
  readonly rounds: number;
  /** Steps of conjugate gradients in a round. */
  readonly steps: number;
  /** Runs before each step, with those done of all: other work may have its turn, and what it throws ends the fit. */
  readonly beforeStep?: (done: number, total: number) => Promise<void>;
}

/**
 * Moves the vectors of V tokens so that the sum over a text, divided by its length, comes near the text's target: least
 * squares, Σᵢ ‖sᵢ Σₜ E[t] - yᵢ‖² + hold ‖E - E₀‖² with sᵢ = 1 / ‖Σₜ E[t]‖ of the round before, by conjugate gradients
 * with the diagonal as preconditioner. Each of the D numbers is a problem of its own with one matrix. E₀ is `rows`
 * scaled so that the sums have length 1 on average. Equal input gives equal bits.
 * @param rows [V, D], left as they are. @returns [V, D].
 */
export async function fitToTexts(
  rows: Float32Array,
  dimension: number,
  { texts, targets }: TextTargets,
  { hold, rounds, steps, beforeStep }: FitOptions,
): Promise<Float32Array> {
  const lengths = sumLengths(Float64Array.from(rows), texts, dimension);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const start = Float64Array.from(rows, (value) => value / mean);
  const vectors = start.slice();
  const image = new Float64Array(vectors.length);
  for (let round = 0; round < rounds; round++) {
    const scales = sumLengths(vectors, texts, dimension).map((length) => (length > 0 ? 1 / length : 0));
    const diagonal = normalDiagonal(texts, scales, vectors.length / dimension, hold);
    const residual = firstResidual(vectors, start, { texts, targets }, scales, dimension, hold);
    const direction = new Float64Array(vectors.length);
    const before = new Float64Array(dimension).fill(Infinity);
    for (let step = 0; step < steps; step++) {
      await beforeStep?.(round * steps + step, rounds * steps);
      const weight = columnDots(residual, residual, diagonal, dimension);
      // p = r / diagonal + p · (this weight / the one before), number by number.
      for (let i = 0; i < direction.length; i++) {
        const d = i % dimension;
        direction[i] =
          (residual[i] as number) / (diagonal[(i / dimension) | 0] as number) +
          (direction[i] as number) * ratio(weight[d] as number, before[d] as number);
      }
      applyNormal(direction, image, texts, scales, dimension, hold);
      const curvature = columnDots(direction, image, undefined, dimension);
      for (let i = 0; i < vectors.length; i++) {
        const length = ratio(weight[i % dimension] as number, curvature[i % dimension] as number);
        vectors[i] = (vectors[i] as number) + length * (direction[i] as number);
        residual[i] = (residual[i] as number) - length * (image[i] as number);
      }
      before.set(weight);
    }
  }
  return Float32Array.from(vectors);
}

/** a / b; 0 where b is: such a number is solved already. */
function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0;
}

/** Σₜ E[t] of one text into `sum` [D]. */
function sumTokens(vectors: Float64Array, text: Int32Array, sum: Float64Array): void {
  sum.fill(0);
  for (let t = 0; t < text.length; t++) {
    const from = (text[t] as number) * sum.length;
    for (let d = 0; d < sum.length; d++) sum[d] = (sum[d] as number) + (vectors[from + d] as number);
  }
}

function addToTokens(vectors: Float64Array, text: Int32Array, addend: Float64Array): void {
  for (let t = 0; t < text.length; t++) {
    const from = (text[t] as number) * addend.length;
    for (let d = 0; d < addend.length; d++) vectors[from + d] = (vectors[from + d] as number) + (addend[d] as number);
  }
}

/** [B], ‖Σₜ E[t]‖. */
function sumLengths(vectors: Float64Array, texts: readonly Int32Array[], dimension: number): Float64Array {
  const sum = new Float64Array(dimension);
  return Float64Array.from(texts, (text) => {
    sumTokens(vectors, text, sum);
    return norm(sum);
  });
}

/** [V], Σᵢ (sᵢ · times that the token stands in text i)² + hold. */
function normalDiagonal(
  texts: readonly Int32Array[],
  scales: Float64Array,
  vocabularySize: number,
  hold: number,
): Float64Array {
  const diagonal = new Float64Array(vocabularySize).fill(hold);
  texts.forEach((text, i) => {
    const counts = new Map<number, number>();
    for (const token of text) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const [token, count] of counts)
      diagonal[token] = (diagonal[token] as number) + ((scales[i] as number) * count) ** 2;
  });
  return diagonal;
}

/** [V, D], Σᵢ sᵢ (yᵢ - sᵢ Σₜ E[t]) over the texts with a token, + hold (E₀ - E). */
function firstResidual(
  vectors: Float64Array,
  start: Float64Array,
  { texts, targets }: TextTargets,
  scales: Float64Array,
  dimension: number,
  hold: number,
): Float64Array {
  const residual = vectors.map((value, i) => hold * ((start[i] as number) - value));
  const sum = new Float64Array(dimension);
  texts.forEach((text, i) => {
    const scale = scales[i] as number;
    sumTokens(vectors, text, sum);
    for (let d = 0; d < dimension; d++)
      sum[d] = scale * ((targets[i * dimension + d] as number) - scale * (sum[d] as number));
    addToTokens(residual, text, sum);
  });
  return residual;
}

/** `image` = (AᵀA + hold) `direction`, A [B, V] holding sᵢ times how often a token stands in text i. */
function applyNormal(
  direction: Float64Array,
  image: Float64Array,
  texts: readonly Int32Array[],
  scales: Float64Array,
  dimension: number,
  hold: number,
): void {
  for (let i = 0; i < image.length; i++) image[i] = hold * (direction[i] as number);
  const sum = new Float64Array(dimension);
  texts.forEach((text, i) => {
    const square = (scales[i] as number) ** 2;
    sumTokens(direction, text, sum);
    for (let d = 0; d < dimension; d++) sum[d] = square * (sum[d] as number);
    addToTokens(image, text, sum);
  });
}

/** [D], Σ over the tokens of a · b, divided by the token's `divisor` where there are any. */
function columnDots(
  a: Float64Array,
  b: Float64Array,
  divisor: Float64Array | undefined,
  dimension: number,
): Float64Array {
  const dots = new Float64Array(dimension);
  for (let from = 0, token = 0; from < a.length; from += dimension, token++) {
    const by = divisor === undefined ? 1 : (divisor[token] as number);
    for (let d = 0; d < dimension; d++)
      dots[d] = (dots[d] as number) + ((a[from + d] as number) * (b[from + d] as number)) / by;
  }
  return dots;
}
