/** Largest magnitude of a level, of weights and of activations around their zero. */
export const LARGEST_LEVEL = 127;

/** Share of the mean variance that is added to each: the inverse exists, and few texts do not decide too much. */
const DAMPING = 0.01;

/** How the errors of a block's weights are made up for by those of them that are rounded later. */
export interface Compensation {
  /** Channels of the block in the order in which their weights are rounded. */
  readonly order: Int32Array;
  /** U [n, n], upper triangular with UᵀU the inverse of the damped covariances, rows and columns in this order. */
  readonly upper: Float64Array;
}

/**
 * GPTQ (Frantar et al. 2022, https://arxiv.org/abs/2210.17323): the largest channels first.
 * @param covariances of its inputs, [n, n]. @param factors what the weights of each channel are multiplied with, [n]: its inputs
 * are divided by it. 0: its inputs count as 0.
 */
export function compensation(covariances: Float64Array, factors: Float32Array): Compensation {
  const size = factors.length;
  const divided = (i: number, j: number): number => {
    const factor = (factors[i] as number) * (factors[j] as number);
    return factor === 0 ? 0 : (covariances[i * size + j] as number) / factor;
  };
  const diagonal = Float64Array.from(factors, (_, i) => divided(i, i));
  const mean = diagonal.reduce((sum, value) => sum + value, 0) / size;
  const order = Int32Array.from(diagonal.keys()).sort(
    (a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b,
  );
  // Inputs that never change: each weight is rounded for itself.
  const first = mean > 0 ? DAMPING * mean : 1;
  // Where a channel's mean is much larger than what it changes by, its measured variance may be below 0: more is added then.
  for (let damping = first; Number.isFinite(damping); damping *= 10) {
    const damped = new Float64Array(size * size);
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++)
        damped[i * size + j] = divided(order[i] as number, order[j] as number) + (i === j ? damping : 0);
    const inverted = inverse(damped, size);
    const lower = inverted === undefined ? undefined : cholesky(inverted, size);
    if (lower !== undefined) return { order, upper: transposed(lower, size) };
  }
  const ones = new Float64Array(size * size).map((_, at) => (at % (size + 1) === 0 ? 1 : 0));
  return { order, upper: ones };
}

/**
 * Rounds the weights of a block for one output.
 * @param weights [n], multiplied with the factors. @param levels [n], written.
 */
export function roundCompensated(
  { order, upper }: Compensation,
  weights: Float64Array,
  scale: number,
  levels: Int8Array,
): void {
  const size = order.length;
  const rest = Float64Array.from(order, (channel) => weights[channel] as number);
  for (let j = 0; j < size; j++) {
    const value = rest[j] as number;
    const level = Math.max(-LARGEST_LEVEL, Math.min(LARGEST_LEVEL, Math.round(value / scale)));
    levels[order[j] as number] = level;
    const error = (value - level * scale) / (upper[j * size + j] as number);
    for (let k = j + 1; k < size; k++) rest[k] = (rest[k] as number) - error * (upper[j * size + k] as number);
  }
}

/** L [n, n], lower triangular with L·Lᵀ the symmetric matrix; undefined where it is not positive definite. */
function cholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] as number;
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] as number) * (lower[j * size + k] as number);
      if (i === j && !(sum > 0)) return undefined;
      lower[i * size + j] = i === j ? Math.sqrt(sum) : sum / (lower[j * size + j] as number);
    }
  return lower;
}

/** Of a symmetric matrix; undefined where it is not positive definite. */
function inverse(matrix: Float64Array, size: number): Float64Array | undefined {
  const lower = cholesky(matrix, size);
  if (lower === undefined) return undefined;
  // Column by column of L⁻¹, kept as the rows of its transpose.
  const columns = new Float64Array(size * size);
  for (let column = 0; column < size; column++)
    for (let i = column; i < size; i++) {
      let sum = i === column ? 1 : 0;
      for (let k = column; k < i; k++) sum -= (lower[i * size + k] as number) * (columns[column * size + k] as number);
      columns[column * size + i] = sum / (lower[i * size + i] as number);
    }
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < size; k++) sum += (columns[i * size + k] as number) * (columns[j * size + k] as number);
      product[i * size + j] = sum;
      product[j * size + i] = sum;
    }
  return product;
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % size) * size + Math.floor(at / size)] as number);
}
