import { DimensionMismatchError, SpaceMismatchError, type Vector } from '@kimera/core';
import { times, type Matrix } from './matrix.js';

/**
 * A linear bridge from one space to another: y = (x − meanFrom) · map + meanTo. It has a direction, which is part of
 * it.
 */
export interface Alignment {
  /** Fingerprint of the space it takes vectors of. */
  readonly from: string;
  /** Fingerprint of the space it gives vectors of. */
  readonly to: string;
  /** [D of from]. */
  readonly meanFrom: Float64Array;
  /** [D of to]. */
  readonly meanTo: Float64Array;
  /** [D of from, D of to]. */
  readonly map: Matrix;
}

/** The pairs an alignment is learnt from: vector i of both sides is of the same text. */
export interface AlignmentPairs {
  readonly from: { readonly space: string; readonly vectors: readonly ArrayLike<number>[] };
  readonly to: { readonly space: string; readonly vectors: readonly ArrayLike<number>[] };
  /** `centre` (default) takes the mean of each side away first; `keep` does not. */
  readonly means?: 'centre' | 'keep';
}

/**
 * The vector in the other space, not normalised. @throws SpaceMismatchError where the vector is not of
 * `alignment.from`, DimensionMismatchError.
 */
export function align(alignment: Alignment, space: string, vector: Vector): Vector {
  if (space !== alignment.from) throw new SpaceMismatchError(alignment.from, space, 'alignment');
  const { meanFrom, meanTo, map } = alignment;
  if (vector.length !== map.rows) throw new DimensionMismatchError(map.rows, vector.length, 'alignment');
  const centred = Float64Array.from(vector, (value, i) => value - (meanFrom[i] as number));
  const mapped = times({ rows: 1, columns: map.rows, data: centred }, map).data;
  return Float32Array.from(mapped, (value, j) => value + (meanTo[j] as number));
}
