import { UnpairedScoresError } from '../errors.js';
import type { AlignmentPairs } from './alignment.js';
import { columnMeans, matrixOf, minusRow, scaled, type Matrix } from './matrix.js';

/** A side of the pairs, centred where asked, and divided by a power of two so that its largest number is near 1. */
interface Side {
  readonly matrix: Matrix;
  readonly scale: number;
  /** Of the numbers as they were given. */
  readonly mean: Float64Array;
}

/** @throws UnpairedScoresError, TooFewValuesError, DimensionMismatchError, InvalidScoreError. */
export function sidesOf({ from, to, means = 'centre' }: AlignmentPairs): { readonly a: Side; readonly b: Side } {
  if (from.vectors.length !== to.vectors.length)
    throw new UnpairedScoresError(from.vectors.length, to.vectors.length, 'alignment');
  const [a, b] = [matrixOf(from.vectors, 'alignment, from'), matrixOf(to.vectors, 'alignment, to')];
  return { a: sideOf(a, means), b: sideOf(b, means) };
}

function sideOf(given: Matrix, means: 'centre' | 'keep'): Side {
  const { matrix, scale } = scaled(given);
  const mean = means === 'centre' ? columnMeans(matrix) : new Float64Array(matrix.columns);
  return { matrix: minusRow(matrix, mean), scale, mean: mean.map((value) => value * scale) };
}
