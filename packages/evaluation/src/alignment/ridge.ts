import { scaleToOne } from '@kimera/core';
import { RankDeficientError, SettingRangeError } from '../errors.js';
import type { Alignment, AlignmentPairs } from './alignment.js';
import { transposeTimes, type Matrix } from './matrix.js';
import { sidesOf } from './pairs.js';

/**
 * The linear map of least squares with a penalty: W = (AᵀA + λI)⁻¹AᵀB, by Cholesky.
 * @throws SettingRangeError unless λ is finite and at least 0, RankDeficientError where λ is too small for the pairs,
 * and as procrustes.
 */
export function ridge(pairs: AlignmentPairs, lambda: number): Alignment {
  if (!(lambda >= 0 && lambda < Infinity)) throw new SettingRangeError('lambda', 'at least 0', lambda);
  const { a, b } = sidesOf(pairs);
  // A is divided once more where λ is larger than the squares of its numbers: then λ is near 1 in its place.
  const root = Math.sqrt(lambda);
  const scale = root > a.scale ? scaleToOne([root]).scale : a.scale;
  const more = scale / a.scale;
  const matrix = { ...a.matrix, data: a.matrix.data.map((value) => value / more) };
  const gram = transposeTimes(matrix, matrix);
  const penalty = lambda / scale / scale;
  for (let i = 0; i < gram.rows; i++)
    gram.data[i * gram.columns + i] = (gram.data[i * gram.columns + i] as number) + penalty;
  const map = transposeTimes(matrix, b.matrix);
  solve(factor(gram, matrix.rows), map);
  const back = b.scale / scale;
  map.data.forEach((value, i) => (map.data[i] = value === 0 ? 0 : value * back));
  return { from: pairs.from.space, to: pairs.to.space, meanFrom: a.mean, meanTo: b.mean, map };
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
