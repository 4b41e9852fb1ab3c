import { cosine, DimensionMismatchError, SpaceMismatchError } from '@kimera/core';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden, rowsOf } from '../goldens.fixture.js';
import { align, procrustes, RankDeficientError, ridge, type Alignment } from '../alignment.js';
import { SettingRangeError, UnpairedScoresError } from '../index.js';
import { matrixOf, minusRow, sumOfSquares, times, transposeTimes } from './matrix.js';
import { singularValues } from './singular-values.js';

const goldens = golden('alignment');
const sides = { A: rowsOf(goldens.A), B: rowsOf(goldens.B) };

function closeTo(actual: ArrayLike<number>, expected: ArrayLike<number>, digits: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i] as number, digits);
}

function pairs(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[], means: 'centre' | 'keep' = 'centre') {
  return { from: { space: 'a', vectors: a }, to: { space: 'b', vectors: b }, means };
}

describe.each(goldens.procrustes.filter(({ name }) => name !== 'A_to_rotated_A'))(
  'Procrustes, $name',
  ({ name, centred, ...expected }) => {
    const [from, to] = name === 'B_to_A' ? [sides.B, sides.A] : [sides.A, sides.B];
    const result = procrustes(pairs(from, to, centred ? 'centre' : 'keep'));

    it('has the rotation and the singular values', () => {
      closeTo(
        result.map.data,
        rowsOf(expected.Q).flatMap((row) => [...row]),
        6,
      );
      closeTo(result.singularValues, expected.singular_values, 6);
    });
    it('maps as the reference does', () => {
      const mapped = from.map((row) => align(result, 'a', Float32Array.from(row)));
      rowsOf(expected.first_3_mapped).forEach((row, i) => closeTo(mapped[i] ?? [], row, 6));
      expect(mapped.reduce((sum, row, i) => sum + cosine(row, to[i] ?? []), 0) / mapped.length).toBeCloseTo(
        expected.mean_cosine_mapped_vs_target,
        6,
      );
      const residual = minusRow(
        times(minusRow(matrixOf(from, 'a'), result.meanFrom), result.map),
        new Float64Array(result.map.columns),
      );
      const target = minusRow(matrixOf(to, 'b'), result.meanTo);
      expect(
        Math.sqrt(
          sumOfSquares({ ...residual, data: residual.data.map((value, i) => value - (target.data[i] as number)) }),
        ),
      ).toBeCloseTo(expected.residual_frobenius, 6);
    });
  },
);

it('a rotation and a shift are found exactly', () => {
  const rotation = goldens.procrustes.find(({ name }) => name === 'A_to_rotated_A');
  if (rotation === undefined) throw new Error('the golden is missing');
  const rotated = times(matrixOf(sides.A, 'a'), matrixOf(rowsOf(rotation.Q), 'rotation'));
  const target = sides.A.map((_row, i) => rotated.data.slice(i * 32, (i + 1) * 32).map((value) => value + 0.25));
  const result = procrustes(pairs(sides.A, target));
  closeTo(
    result.map.data,
    rowsOf(rotation.Q).flatMap((row) => [...row]),
    9,
  );
  closeTo(align(result, 'a', Float32Array.from(sides.A[7] ?? [])), target[7] ?? [], 6);
});

it.each(goldens.ridge)('ridge, lambda $lambda', ({ lambda, W }) => {
  closeTo(
    ridge(pairs(sides.A, sides.B), lambda).map.data,
    rowsOf(W).flatMap((row) => [...row]),
    6,
  );
});

describe('a thin singular value decomposition gives its matrix back, with orthonormal sides', () => {
  const matrices = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })).chain(([rows, columns]) =>
    fc.array(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: columns, maxLength: columns }), {
      minLength: rows,
      maxLength: rows,
    }),
  );
  /** Where the largest number is a denormal, a singular value has too few bits to give it back: [[-5e-324, -5e-324]]. */
  const checkNormal = (rows: readonly (readonly number[])[]): void => {
    const largest = Math.max(...rows.flat().map(Math.abs));
    fc.pre(largest === 0 || largest >= 2 ** -1022);
    checkSingularValues(rows);
  };
  it('for matrices of ordinary size', () => {
    fc.assert(fc.property(matrices, checkNormal));
  });
  it('for matrices of any size that float64 holds', () => {
    fc.assert(
      fc.property(matrices, fc.integer({ min: -300, max: 300 }), (rows, exponent) => {
        checkNormal(rows.map((row) => row.map((value) => value * 10 ** exponent)));
      }),
    );
  });
  it.each([
    [
      [
        [0, 0],
        [0, 1.57e-162],
      ],
    ],
    [
      [
        [1, 0],
        [0, 1.57e-162],
      ],
    ],
    [
      [
        [1e300, 1e300],
        [1e300, -1e300],
      ],
    ],
    [[[1e-310, 1e-310]]],
  ])('for %j, whose squares float64 cannot hold', (rows) => {
    checkSingularValues(rows);
  });
});

/** Differences are measured against the largest number of the matrix. */
function checkSingularValues(rows: readonly (readonly number[])[]): void {
  const { left, values, right } = singularValues(matrixOf(rows, 'matrix'));
  const largest = Math.max(...rows.flat().map(Math.abs)) || 1;
  expect([...values]).toEqual([...values].sort((a, b) => b - a));
  rows.forEach((row, i) => {
    row.forEach((value, j) => {
      const back = values.reduce(
        (sum, size, r) => sum + (size / largest) * (left[r]?.[i] as number) * (right[r]?.[j] as number),
        0,
      );
      expect(back).toBeCloseTo(value / largest, 10);
    });
  });
  const full = values.filter((value) => value > 1e-6 * (values[0] as number)).length;
  for (const side of [left.slice(0, full), right.slice(0, full)]) {
    if (side.length === 0) continue;
    const columns = matrixOf(
      Array.from(side[0] as Float64Array, (_, i) => side.map((column) => column[i] as number)),
      'side',
    );
    transposeTimes(columns, columns).data.forEach((value, i) => {
      expect(value).toBeCloseTo(i % (full + 1) === 0 ? 1 : 0, 7);
    });
  }
}

it.each([1e-300, 1e-160, 1e160, 1e300])('alignments of vectors of size %p are those of ordinary ones', (size) => {
  const sized = (rows: readonly ArrayLike<number>[]): readonly Float64Array[] =>
    rows.map((row) => Float64Array.from(row, (value) => value * size));
  const [from, to] = [sized(sides.A), sized(sides.B)];
  const rotation = procrustes(pairs(sides.A, sides.B));
  closeTo(procrustes(pairs(from, to)).map.data, rotation.map.data, 9);
  closeTo(procrustes(pairs(from, sides.B)).map.data, rotation.map.data, 9);
  closeTo(procrustes(pairs(sides.A, to)).map.data, rotation.map.data, 9);
  closeTo(ridge(pairs(from, to), 0).map.data, ridge(pairs(sides.A, sides.B), 0).map.data, 9);
  const penalty = 4 * size * size;
  if (penalty > 1e-300 && penalty < Infinity)
    closeTo(ridge(pairs(from, to), penalty).map.data, ridge(pairs(sides.A, sides.B), 4).map.data, 9);
});

it('a penalty far above the squares of the vectors gives a map of zeros, not of infinities', () => {
  const small = sides.A.map((row) => Float64Array.from(row, (value) => value * 1e-200));
  for (const value of ridge(pairs(small, sides.B), 1e300).map.data) expect(value).toBeCloseTo(0, 12);
});

it('keeps its direction and refuses what does not determine it', () => {
  const bridge: Alignment = procrustes(pairs(sides.A, sides.B));
  expect(() => align(bridge, 'b', new Float32Array(16))).toThrow(SpaceMismatchError);
  expect(() => align(bridge, 'a', new Float32Array(16))).toThrow(DimensionMismatchError);
  expect(() => procrustes(pairs(sides.A.slice(0, 10), sides.B.slice(0, 10)))).toThrow(RankDeficientError);
  expect(() => ridge(pairs(sides.A.slice(0, 10), sides.B.slice(0, 10)), 0)).toThrow(RankDeficientError);
  expect(() => ridge(pairs(sides.A, sides.B), -1)).toThrow(SettingRangeError);
  expect(() => procrustes(pairs(sides.A, sides.B.slice(1)))).toThrow(UnpairedScoresError);
});
