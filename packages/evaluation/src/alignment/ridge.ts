import { RankDeficientError, SettingRangeError } from '../errors/evaluation-errors.js';
import type { Alignment, AlignmentPairs } from './alignment.js';
import { transposeTimes, type Matrix } from './matrix.js';
import { centrePairs } from './pairs.js';

/**
 * The linear map of least squares with a penalty: W = (AᵀA + λI)⁻¹AᵀB, by Cholesky.
 * @throws SettingRangeError unless λ is finite and at least 0, RankDeficientError where λ is too small for the pairs,
 * and as procrustes.
 */
export function ridge(pairs: AlignmentPairs, lambda: number): Alignment {
  if (!(lambda >= 0 && lambda < Infinity)) throw new SettingRangeError('lambda', 'at least 0', lambda);
  const { a, b, meanFrom, meanTo } = centrePairs(pairs);
  const gram = transposeTimes(a, a);
  for (let i = 0; i < gram.rows; i++)
    gram.data[i * gram.columns + i] = (gram.data[i * gram.columns + i] as number) + lambda;
  const map = transposeTimes(a, b);
  solve(factor(gram, a.rows), map);
  return { from: pairs.from.space, to: pairs.to.space, meanFrom, meanTo, map };
}

/** L of M = LLᵀ, in place. */
function factor(matrix: Matrix, pairs: number): Matrix {
  const { rows: n, data } = matrix;
  const at = (i: number, j: number): number => data[i * n + j] as number;
  for (let j = 0; j < n; j++) {
    const size = at(j, j);
    for (let i = j; i < n; i++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      if (i === j && !(sum > 1e-14 * size)) throw new RankDeficientError(j, n, pairs);
      data[i * n + j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  }
  return matrix;
}

/** LLᵀX = right, in place. */
function solve({ rows: n, data: lower }: Matrix, right: Matrix): void {
  const { columns, data } = right;
  const at = (i: number, j: number): number => lower[i * n + j] as number;
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      let sum = data[i * columns + c] as number;
      for (let k = 0; k < i; k++) sum -= at(i, k) * (data[k * columns + c] as number);
      data[i * columns + c] = sum / at(i, i);
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = data[i * columns + c] as number;
      for (let k = i + 1; k < n; k++) sum -= at(k, i) * (data[k * columns + c] as number);
      data[i * columns + c] = sum / at(i, i);
    }
  }
}
