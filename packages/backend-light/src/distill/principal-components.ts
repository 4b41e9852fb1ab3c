import { symmetricEigen } from './symmetric-eigen.js';

/** A projection to fewer numbers: the mean is taken away, then the components are read off. */
export interface Projection {
  /** [N]. */
  readonly mean: Float64Array;
  /** [D, N], orthonormal rows. */
  readonly components: Float64Array;
}

/** The `dimension` directions in which vectors [R, N] differ most. D is at most N. @throws EigenConvergenceError where a vector is not finite. */
export function principalComponents(vectors: Float32Array, size: number, dimension: number): Projection {
  const count = vectors.length / size;
  const mean = new Float64Array(size);
  for (let i = 0; i < vectors.length; i += size) for (let j = 0; j < size; j++) mean[j] = (mean[j] as number) + (vectors[i + j] as number) / count;
  const covariance = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let i = 0; i < vectors.length; i += size) {
    for (let j = 0; j < size; j++) centred[j] = (vectors[i + j] as number) - (mean[j] as number);
    for (let j = 0; j < size; j++) {
      const value = centred[j] as number;
      const row = j * size;
      for (let k = 0; k <= j; k++) covariance[row + k] = (covariance[row + k] as number) + value * (centred[k] as number);
    }
  }
  for (let j = 0; j < size; j++) for (let k = 0; k <= j; k++) covariance[j * size + k] = covariance[k * size + j] = (covariance[j * size + k] as number) / count;
  return { mean, components: symmetricEigen(covariance, size).vectors.slice(0, dimension * size) };
}

/** Vectors [R, N] → [R, D]. */
export function project({ mean, components }: Projection, vectors: Float32Array): Float32Array {
  const size = mean.length;
  const dimension = components.length / size;
  const projected = new Float32Array((vectors.length / size) * dimension);
  const centred = new Float64Array(size);
  for (let row = 0; row * size < vectors.length; row++) {
    for (let j = 0; j < size; j++) centred[j] = (vectors[row * size + j] as number) - (mean[j] as number);
    for (let d = 0; d < dimension; d++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += (centred[j] as number) * (components[d * size + j] as number);
      projected[row * dimension + d] = sum;
    }
  }
  return projected;
}
