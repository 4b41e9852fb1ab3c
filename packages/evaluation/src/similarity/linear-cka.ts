import { columnMeans, matrixOf, minusRow, scaled, sumOfSquares, transposeTimes } from '../alignment/matrix.js';
import { ConstantInputError, UnpairedScoresError } from '../errors.js';

/**
 * Linear centred kernel alignment of two spaces over the same items, from 0 to 1: ‖AᵀB‖² / (‖AᵀA‖ ‖BᵀB‖) with centred
 * columns (Kornblith et al. 2019).
 * It does not change with rotation, scale or shift; it is biased upwards where items are few.
 * @throws UnpairedScoresError, ConstantInputError, TooFewValuesError, DimensionMismatchError, InvalidScoreError.
 */
export function linearCka(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  if (a.length !== b.length) throw new UnpairedScoresError(a.length, b.length, 'linear CKA');
  const [x, y] = [a, b].map((vectors) => {
    // The measure does not see scale, and fourth powers of small or large numbers would underflow or overflow.
    const { matrix } = scaled(matrixOf(vectors, 'linear CKA'));
    const centred = minusRow(matrix, columnMeans(matrix));
    // What is left of equal vectors after centring is rounding.
    if (sumOfSquares(centred) <= 1e-28 * sumOfSquares(matrix)) throw new ConstantInputError('linear CKA');
    return centred;
  }) as [ReturnType<typeof minusRow>, ReturnType<typeof minusRow>];
  const self = Math.sqrt(sumOfSquares(transposeTimes(x, x)) * sumOfSquares(transposeTimes(y, y)));
  return Math.min(1, sumOfSquares(transposeTimes(x, y)) / self);
}
