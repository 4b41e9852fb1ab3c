import { UnpairedScoresError } from '../errors/evaluation-errors.js';
import type { AlignmentPairs } from './alignment.js';
import { columnMeans, matrixOf, minusRow, type Matrix } from './matrix.js';

/**
 * Both sides as matrices, centred where asked. @throws UnpairedScoresError, TooFewValuesError, DimensionMismatchError,
 * InvalidScoreError.
 */
export function centrePairs({ from, to, means = 'centre' }: AlignmentPairs): {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly meanFrom: Float64Array;
  readonly meanTo: Float64Array;
} {
  if (from.vectors.length !== to.vectors.length)
    throw new UnpairedScoresError(from.vectors.length, to.vectors.length, 'alignment');
  const [a, b] = [matrixOf(from.vectors, 'alignment, from'), matrixOf(to.vectors, 'alignment, to')];
  const [meanFrom, meanTo] =
    means === 'centre' ? [columnMeans(a), columnMeans(b)] : [new Float64Array(a.columns), new Float64Array(b.columns)];
  return { a: minusRow(a, meanFrom), b: minusRow(b, meanTo), meanFrom, meanTo };
}
