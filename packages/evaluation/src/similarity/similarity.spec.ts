import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden, rowsOf } from '../goldens.fixture.js';
import {
  ConstantInputError,
  DuplicateItemError,
  SettingRangeError,
  TooFewValuesError,
  UnpairedScoresError,
} from '../index.js';
import {
  linearCka,
  nearestNeighbours,
  neighbourOverlap,
  rankBiasedOverlap,
  truncatedRankBiasedOverlap,
} from '../similarity.js';

const overlaps = golden('rbo');
const alignment = golden('alignment');
const [A, B] = [rowsOf(alignment.A), rowsOf(alignment.B)];

describe('rank-biased overlap', () => {
  it.each(overlaps.even)('$name', ({ a, b, rbo_ext: extrapolated, rbo_truncated_sum: truncated }) => {
    for (const [persistence, value] of Object.entries(extrapolated))
      expect(rankBiasedOverlap(a, b, Number(persistence))).toBeCloseTo(value, 9);
    for (const [persistence, value] of Object.entries(truncated))
      expect(truncatedRankBiasedOverlap(a, b, Number(persistence))).toBeCloseTo(value, 9);
  });
  it.each(overlaps.uneven)('$name', ({ a, b, rbo_ext_of_package_rbo: values }) => {
    for (const [persistence, value] of Object.entries(values))
      expect(rankBiasedOverlap(a, b, Number(persistence))).toBeCloseTo(value, 9);
  });
  it('is symmetric and lies between 0 and 1', () => {
    const ranking = fc.uniqueArray(fc.constantFrom(...Array.from('abcdefghij')), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(ranking, ranking, (a, b) => {
        const value = rankBiasedOverlap(a, b);
        expect(rankBiasedOverlap(b, a)).toBeCloseTo(value, 12);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        expect(rankBiasedOverlap(a, a)).toBeCloseTo(1, 12);
      }),
    );
  });
  it('refuses empty lists, repeated items and a persistence of 1', () => {
    expect(() => rankBiasedOverlap([], ['a'])).toThrow(TooFewValuesError);
    expect(() => rankBiasedOverlap(['a', 'a'], ['a'])).toThrow(DuplicateItemError);
    expect(() => rankBiasedOverlap(['a'], ['a'], 1)).toThrow(SettingRangeError);
  });
});

describe('linear CKA', () => {
  it.each(
    alignment.cka.filter(
      ({ Y, name }) => Y !== undefined || name === 'A_B' || name === 'A_A' || name === 'first_40_rows',
    ),
  )('$name', ({ name, linear_cka: value, Y }) => {
    const first = name === 'first_40_rows' ? A.slice(0, 40) : A;
    const second = name === 'A_A' ? A : name === 'first_40_rows' ? B.slice(0, 40) : Y === undefined ? B : rowsOf(Y);
    expect(linearCka(first, second)).toBeCloseTo(value, 6);
  });
  it('does not see scale and shift', () =>
    expect(
      linearCka(
        A,
        A.map((row) => row.map((value) => -3 * value + 2)),
      ),
    ).toBeCloseTo(1, 12));
  it.each([1e-300, 1e-100, 1e100, 1e300])('is the same for vectors of size %p', (size) => {
    const sized = A.map((row) => row.map((value) => value * size));
    expect(linearCka(sized, B)).toBeCloseTo(linearCka(A, B), 12);
    expect(linearCka(sized, sized)).toBeCloseTo(1, 12);
  });
  it('refuses constant and unpaired input', () => {
    expect(() =>
      linearCka(
        [
          [1, 2],
          [1, 2],
        ],
        [[1], [2]],
      ),
    ).toThrow(ConstantInputError);
    expect(() => linearCka([[1]], [[1], [2]])).toThrow(UnpairedScoresError);
  });
});

it.each([1e-300, 1e300])('neighbours of vectors of size %p are those of ordinary ones', (size) => {
  const sized = A.slice(0, 30).map((row) => Float64Array.from(row, (value) => value * size));
  expect(nearestNeighbours(sized, 5)).toEqual(
    nearestNeighbours(
      A.slice(0, 30).map((row) => Float64Array.from(row)),
      5,
    ),
  );
});

it('neighbours and their overlap are those of the goldens', () => {
  const {
    mean_overlap: overlap,
    mean_jaccard: jaccard,
    first_5: first,
    first_5_B: firstB,
  } = alignment.neighbour_overlap_at_10;
  const [a, b] = [nearestNeighbours(A, 10), nearestNeighbours(B, 10)];
  expect(a.slice(0, 5)).toEqual(first);
  expect(b.slice(0, 5)).toEqual(firstB);
  expect(neighbourOverlap(a, b).overlap).toBeCloseTo(overlap, 9);
  expect(neighbourOverlap(a, b).jaccard).toBeCloseTo(jaccard, 9);
  expect(() => neighbourOverlap(a, [])).toThrow(UnpairedScoresError);
});
