import { RankDeficientError } from '../errors.js';
import type { Alignment, AlignmentPairs } from './alignment.js';
import { transposeTimes, zeros } from './matrix.js';
import { sidesOf } from './pairs.js';
import { singularValues } from './singular-values.js';

/** A singular value below this share of the largest is rounding, not a direction. */
const RANK_TOLERANCE = 1e-12;

export interface Procrustes extends Alignment {
  /** Of AᵀB, descending; 0 or infinite where float64 cannot hold them. */
  readonly singularValues: readonly number[];
}

/**
 * The rotation that brings A closest to B (orthogonal Procrustes, Schönemann 1966): map = U · Vᵀ of the thin singular
 * value decomposition of AᵀB; where the dimensions differ it has orthonormal columns or rows.
 * @throws RankDeficientError where the pairs do not determine it, UnpairedScoresError, TooFewValuesError,
 * DimensionMismatchError, InvalidScoreError.
 */
export function procrustes(pairs: AlignmentPairs): Procrustes {
  const { a, b } = sidesOf(pairs);
  const { left, values, right } = singularValues(transposeTimes(a.matrix, b.matrix));
  const rank = values.filter((value) => value > RANK_TOLERANCE * (values[0] ?? 0)).length;
  if (rank < values.length) throw new RankDeficientError(rank, values.length, a.matrix.rows);
  const map = zeros(a.matrix.columns, b.matrix.columns);
  left.forEach((u, r) => {
    const v = right[r] as Float64Array;
    for (let i = 0; i < u.length; i++)
      for (let j = 0; j < v.length; j++)
        map.data[i * v.length + j] = (map.data[i * v.length + j] as number) + (u[i] as number) * (v[j] as number);
  });
  return {
    from: pairs.from.space,
    to: pairs.to.space,
    meanFrom: a.mean,
    meanTo: b.mean,
    map,
    singularValues: values.map((value) => value * a.scale * b.scale),
  };
}
