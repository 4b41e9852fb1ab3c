import { symmetricEigen } from './symmetric-eigen.js';

/** A projection to fewer numbers: the mean is taken away, then the components are read off. */
export interface Projection {
  /** [N]. */
  readonly mean: Float64Array;
  /** [D, N], orthonormal rows. */
  readonly components: Float64Array;
}

/** Runs between rows of a long computation: other work may have its turn, and what it throws ends the computation. */
export type Pause = () => Promise<void>;

const NEVER: Pause = () => Promise.resolve();
/** Rows between two pauses. */
const ROWS = 512;

/**
 * The `dimension` directions in which vectors [R, N] differ most. D is at most N. @throws EigenConvergenceError where a
 * vector is not finite.
 */
export async function principalComponents(
  vectors: Float32Array,
  size: number,
  dimension: number,
  pause: Pause = NEVER,
): Promise<Projection> {
  const count = vectors.length / size;
  const mean = new Float64Array(size);
  for (let i = 0; i < vectors.length; i += size)
    for (let j = 0; j < size; j++) mean[j] = (mean[j] as number) + (vectors[i + j] as number) / count;
  const covariance = new Float64Array(size * size);
  const centred = (row: number): Float64Array =>
    mean.map((value, j) => (row < count ? (vectors[row * size + j] as number) - value : 0));
  // Four rows in one pass over the matrix take half the time; beyond the last one they are zero.
  for (let row = 0; row < count; row += 4) {
    if (row % ROWS === 0) await pause();
    const [a, b, c, e] = [centred(row), centred(row + 1), centred(row + 2), centred(row + 3)];
    for (let j = 0; j < size; j++) {
      const [aj, bj, cj, ej] = [a[j] as number, b[j] as number, c[j] as number, e[j] as number];
      const line = covariance.subarray(j * size, j * size + j + 1);
      for (let k = 0; k <= j; k++)
        line[k] =
          (line[k] as number) +
          aj * (a[k] as number) +
          bj * (b[k] as number) +
          cj * (c[k] as number) +
          ej * (e[k] as number);
    }
  }
  for (let j = 0; j < size; j++)
    for (let k = 0; k <= j; k++)
      covariance[j * size + k] = covariance[k * size + j] = (covariance[j * size + k] as number) / count;
  return { mean, components: symmetricEigen(covariance, size).vectors.slice(0, dimension * size) };
}

/** Vectors [R, N] → [R, D]. */
export async function project(
  { mean, components }: Projection,
  vectors: Float32Array,
  pause: Pause = NEVER,
): Promise<Float32Array> {
  const size = mean.length;
  const dimension = components.length / size;
  const projected = new Float32Array((vectors.length / size) * dimension);
  const centred = new Float64Array(size);
  for (let row = 0; row * size < vectors.length; row++) {
    if (row % ROWS === 0) await pause();
    for (let j = 0; j < size; j++) centred[j] = (vectors[row * size + j] as number) - (mean[j] as number);
    for (let d = 0; d < dimension; d++) projected[row * dimension + d] = dotAt(components, d * size, centred);
  }
  return projected;
}

/** Σⱼ values[from + j] · vector[j], in four sums that do not wait for each other. */
function dotAt(values: Float64Array, from: number, vector: Float64Array): number {
  let [a, b, c, e] = [0, 0, 0, 0];
  const whole = vector.length & ~3;
  for (let j = 0; j < whole; j += 4) {
    a += (values[from + j] as number) * (vector[j] as number);
    b += (values[from + j + 1] as number) * (vector[j + 1] as number);
    c += (values[from + j + 2] as number) * (vector[j + 2] as number);
    e += (values[from + j + 3] as number) * (vector[j + 3] as number);
  }
  for (let j = whole; j < vector.length; j++) a += (values[from + j] as number) * (vector[j] as number);
  return a + b + c + e;
}
