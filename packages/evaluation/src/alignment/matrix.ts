import { DimensionMismatchError, scaleToOne } from '@kimera/core';
import { requireFinite } from '../checks.js';
import { TooFewValuesError } from '../errors.js';

/** Numbers by rows: element (i, j) is data[i · columns + j]. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/**
 * One vector a row. @throws TooFewValuesError for no vectors, DimensionMismatchError for uneven ones, InvalidScoreError
 * for a number that is not finite.
 */
export function matrixOf(vectors: readonly ArrayLike<number>[], what: string): Matrix {
  const columns = vectors[0]?.length ?? 0;
  if (columns === 0) throw new TooFewValuesError(1, 0, what);
  const matrix = zeros(vectors.length, columns);
  vectors.forEach((vector, row) => {
    if (vector.length !== columns) throw new DimensionMismatchError(columns, vector.length, `${what}, vector ${row}`);
    matrix.data.set(vector, row * columns);
  });
  requireFinite(matrix.data, what);
  return matrix;
}

/**
 * The matrix divided by a power of two near its largest magnitude: no digit changes, and products of its numbers
 * neither underflow nor overflow where they count. `scale` is that power.
 */
export function scaled({ rows, columns, data }: Matrix): { readonly matrix: Matrix; readonly scale: number } {
  const { scaled: numbers, scale } = scaleToOne(data);
  return { matrix: { rows, columns, data: numbers }, scale };
}

/** [columns]. */
export function columnMeans({ rows, columns, data }: Matrix): Float64Array {
  const means = new Float64Array(columns);
  for (let i = 0; i < data.length; i++)
    means[i % columns] = (means[i % columns] as number) + (data[i] as number) / rows;
  return means;
}

/** The matrix with `offset` ([columns]) taken from every row. */
export function minusRow({ rows, columns, data }: Matrix, offset: Float64Array): Matrix {
  return { rows, columns, data: data.map((value, i) => value - (offset[i % columns] as number)) };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const result = zeros(columns, rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) result.data[j * rows + i] = data[i * columns + j] as number;
  return result;
}

/** AᵀB: A is [n, p], B is [n, q], the result [p, q]. */
export function transposeTimes(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.columns, b.columns);
  for (let n = 0; n < a.rows; n++) {
    for (let i = 0; i < a.columns; i++)
      addScaled(result.data, i * b.columns, b.data, n * b.columns, b.columns, a.data[n * a.columns + i] as number);
  }
  return result;
}

/** AB: A is [m, n], B is [n, q]. */
export function times(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++)
      addScaled(result.data, i * b.columns, b.data, k * b.columns, b.columns, a.data[i * a.columns + k] as number);
  }
  return result;
}

/** Σ of squares: the square of the Frobenius norm. */
export function sumOfSquares({ data }: Matrix): number {
  return data.reduce((sum, value) => sum + value * value, 0);
}

function addScaled(
  target: Float64Array,
  to: number,
  source: Float64Array,
  from: number,
  length: number,
  factor: number,
): void {
  for (let j = 0; j < length; j++) target[to + j] = (target[to + j] as number) + factor * (source[from + j] as number);
}
