import { scaleToOne } from '@kimera/core';
import { EigenConvergenceError } from './errors.js';

export interface Eigen {
  /** [N], the largest first. */
  readonly values: Float64Array;
  /** [N, N]: row k is the unit eigenvector of value k, its largest component (the first of equals) positive. */
  readonly vectors: Float64Array;
}

/** Rotations an eigenvalue may take; two are usual. */
const MAX_ITERATIONS = 60;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder reduction to tridiagonal form, then QL with implicit
 * shifts (EISPACK's tred2 and tql2, Wilkinson and Reinsch, 1971). O(N³), the same bits each time.
 * @param matrix [N, N] row-major, left as it is. @throws EigenConvergenceError where it is not finite.
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const odd = matrix.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw new EigenConvergenceError(size, `element ${odd} is not finite`);
  // Near the ends of the range of float64 the cosine and sine of a rotation are no longer exact.
  const { scaled, scale } = scaleToOne(matrix);
  const rows = Array.from({ length: size }, (_, i) => scaled.slice(i * size, (i + 1) * size));
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  tridiagonalize(rows, diagonal, beside);
  // Rows of the transposed basis lie together: each rotation turns two of them.
  const basis = Array.from({ length: size }, (_, j) => Float64Array.from(rows, (row) => row[j] as number));
  diagonalize(basis, diagonal, beside);
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => vectors.set(orient(basis[from] as Float64Array), to * size));
  return { values: Float64Array.from(order, (i) => (diagonal[i] as number) * scale), vectors };
}

/** `rows` becomes the orthogonal matrix of the reduction, `diagonal` and `beside` (from 1) the tridiagonal one. */
function tridiagonalize(rows: readonly Float64Array[], diagonal: Float64Array, beside: Float64Array): void {
  const size = rows.length;
  const row = (i: number): Float64Array => rows[i] as Float64Array;
  for (let i = size - 1; i > 0; i--) {
    const pivot = row(i);
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(pivot[k] as number);
    if (i === 1 || scale === 0) {
      beside[i] = pivot[i - 1] as number;
      diagonal[i] = 0;
      continue;
    }
    let h = 0;
    for (let k = 0; k < i; k++) {
      pivot[k] = (pivot[k] as number) / scale;
      h += (pivot[k] as number) ** 2;
    }
    const f = pivot[i - 1] as number;
    const g = f >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
    beside[i] = scale * g;
    h -= f * g;
    pivot[i - 1] = f - g;
    let sum = 0;
    for (let j = 0; j < i; j++) {
      const other = row(j);
      other[i] = (pivot[j] as number) / h;
      let product = 0;
      for (let k = 0; k <= j; k++) product += (other[k] as number) * (pivot[k] as number);
      for (let k = j + 1; k < i; k++) product += (row(k)[j] as number) * (pivot[k] as number);
      beside[j] = product / h;
      sum += (beside[j] as number) * (pivot[j] as number);
    }
    const half = sum / (h + h);
    for (let j = 0; j < i; j++) {
      const p = pivot[j] as number;
      const q = (beside[j] as number) - half * p;
      beside[j] = q;
      const other = row(j);
      for (let k = 0; k <= j; k++)
        other[k] = (other[k] as number) - p * (beside[k] as number) - q * (pivot[k] as number);
    }
    diagonal[i] = h;
  }
  diagonal[0] = 0;
  beside[0] = 0;
  accumulate(rows, diagonal);
}

/** The product of the reflections that `rows` holds, in its place; the diagonal comes out. */
function accumulate(rows: readonly Float64Array[], diagonal: Float64Array): void {
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const pivot = rows[i] as Float64Array;
    if (diagonal[i] !== 0) {
      const products = new Float64Array(i);
      for (let k = 0; k < i; k++) {
        const other = rows[k] as Float64Array;
        const p = pivot[k] as number;
        for (let j = 0; j < i; j++) products[j] = (products[j] as number) + p * (other[j] as number);
      }
      for (let k = 0; k < i; k++) {
        const other = rows[k] as Float64Array;
        const q = other[i] as number;
        for (let j = 0; j < i; j++) other[j] = (other[j] as number) - (products[j] as number) * q;
      }
    }
    diagonal[i] = pivot[i] as number;
    pivot[i] = 1;
    for (let j = 0; j < i; j++) {
      pivot[j] = 0;
      (rows[j] as Float64Array)[i] = 0;
    }
  }
}

/** QL iterations; `basis` [N] rows are turned along and become the eigenvectors of `diagonal`. */
function diagonalize(basis: readonly Float64Array[], diagonal: Float64Array, beside: Float64Array): void {
  const size = basis.length;
  beside.copyWithin(0, 1);
  beside[size - 1] = 0;
  const d = (i: number): number => diagonal[i] as number;
  const e = (i: number): number => beside[i] as number;
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(d(i)) + Math.abs(e(i)));
  const negligible = Number.EPSILON * largest;
  for (let l = 0; l < size; l++) {
    for (let iteration = 0; ; iteration++) {
      let m = l;
      while (m < size - 1 && Math.abs(e(m)) > negligible) m += 1;
      if (m === l) break;
      if (iteration === MAX_ITERATIONS)
        throw new EigenConvergenceError(size, `value ${l} did not settle in ${iteration} iterations`);
      const half = (d(l + 1) - d(l)) / (2 * e(l));
      const r = Math.hypot(half, 1);
      let g = d(m) - d(l) + e(l) / (half + (half >= 0 ? r : -r));
      let [sine, cosine, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = sine * e(i);
        const b = cosine * e(i);
        const length = Math.hypot(f, g);
        beside[i + 1] = length;
        if (length === 0) {
          diagonal[i + 1] = d(i + 1) - p;
          beside[m] = 0;
          break;
        }
        sine = f / length;
        cosine = g / length;
        g = d(i + 1) - p;
        const q = (d(i) - g) * sine + 2 * cosine * b;
        p = sine * q;
        diagonal[i + 1] = g + p;
        g = cosine * q - b;
        rotate(basis[i] as Float64Array, basis[i + 1] as Float64Array, sine, cosine);
      }
      if (i >= l) continue;
      diagonal[l] = d(l) - p;
      beside[l] = g;
      beside[m] = 0;
    }
  }
}

function rotate(lower: Float64Array, upper: Float64Array, sine: number, cosine: number): void {
  for (let k = 0; k < lower.length; k++) {
    const f = upper[k] as number;
    const g = lower[k] as number;
    upper[k] = sine * g + cosine * f;
    lower[k] = cosine * g - sine * f;
  }
}

function orient(vector: Float64Array): Float64Array {
  let largest = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? vector.map((value) => -value) : vector;
}
