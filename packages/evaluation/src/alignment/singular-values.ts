import { norm, scaleToOne } from '@kimera/core';
import { scaled, transpose, type Matrix } from './matrix.js';

/** M = U · diag(values) · Vᵀ. U is [rows, k], V is [columns, k], k = min(rows, columns); values descend. */
export interface SingularValues {
  /** Column r of U, [rows] each. */
  readonly left: readonly Float64Array[];
  readonly values: readonly number[];
  /** Column r of V, [columns] each. */
  readonly right: readonly Float64Array[];
}

/** Sweeps needed in practice: 6 to 10. Beyond this the matrix is not finite or the rotation is wrong. */
const MAX_SWEEPS = 60;
const ORTHOGONAL = 1e-15;

/**
 * Thin singular value decomposition by one-sided Jacobi rotations (Hestenes 1958; Golub & Van Loan, 4th edition,
 * 8.6.3): the columns are rotated
 * in pairs until all are orthogonal. Slow beside bidiagonalisation and as accurate as float64 allows. A singular value
 * of 0 has a zero `left` column (where rows ≥ columns; a zero `right` column otherwise).
 */
export function singularValues(matrix: Matrix): SingularValues {
  if (matrix.rows < matrix.columns) {
    const { left, values, right } = singularValues(transpose(matrix));
    return { left: right, values, right: left };
  }
  const { rows, columns } = matrix;
  // Squares of very small or very large numbers would underflow or overflow.
  const { matrix: ordinary, scale } = scaled(matrix);
  const work = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_unused, i) => ordinary.data[i * columns + j] as number),
  );
  const right = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: columns }, (_unused, i) => (i === j ? 1 : 0)),
  );
  for (let sweep = 0; sweep < MAX_SWEEPS && sweepOnce(work, right); sweep++);
  const sized = work
    .map((column, j) => ({ column, size: norm(column), right: right[j] as Float64Array }))
    .sort((a, b) => b.size - a.size);
  return {
    left: sized.map(({ column }) => directionOf(column)),
    values: sized.map(({ size }) => size * scale),
    right: sized.map((part) => part.right),
  };
}

/** The column in length 1, or zeros where it has none. */
function directionOf(column: Float64Array): Float64Array {
  // The length of numbers near the smallest float64 would be rounded coarsely.
  const { scaled: numbers } = scaleToOne(column);
  const length = norm(numbers);
  return length === 0 ? numbers : numbers.map((value) => value / length);
}

/** Rotates each pair of columns once; true while a pair was not orthogonal yet. */
function sweepOnce(work: readonly Float64Array[], right: readonly Float64Array[]): boolean {
  let rotated = false;
  for (let p = 0; p < work.length; p++) {
    for (let q = p + 1; q < work.length; q++) {
      const [x, y] = [work[p] as Float64Array, work[q] as Float64Array];
      const [alpha, beta, gamma] = [product(x, x), product(y, y), product(x, y)];
      if (Math.abs(gamma) <= ORTHOGONAL * Math.sqrt(alpha * beta)) continue;
      rotated = true;
      const zeta = (beta - alpha) / (2 * gamma);
      const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
      const cosine = 1 / Math.hypot(1, tangent);
      rotate(x, y, cosine, cosine * tangent);
      rotate(right[p] as Float64Array, right[q] as Float64Array, cosine, cosine * tangent);
    }
  }
  return rotated;
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i] as number, y[i] as number];
    x[i] = cosine * a - sine * b;
    y[i] = sine * a + cosine * b;
  }
}

function product(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}
