import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  averageRanks,
  ConstantInputError,
  InvalidScoreError,
  pearson,
  spearman,
  TooFewValuesError,
  UnpairedScoresError,
} from '../index.js';
import { kendall } from '../similarity.js';

it.each(golden('correlation').cases)('scipy, $name', ({ a, b, ranks_a: ranks, ...expected }) => {
  expect(averageRanks(a)).toEqual(ranks);
  for (const [measure, value] of [
    [spearman, expected.spearman],
    [pearson, expected.pearson],
    [kendall, expected.kendall_tau_b],
  ] as const) {
    if (value === null) expect(() => measure(a, b)).toThrow(ConstantInputError);
    else expect(measure(a, b)).toBeCloseTo(value, 9);
  }
});

it('is symmetric, changes its sign with one side, and does not see scale', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })), {
    minLength: 2,
    maxLength: 30,
  });
  fc.assert(
    fc.property(pairs, (items) => {
      const [a, b] = [items.map(([x]) => x), items.map(([, y]) => y)];
      fc.pre(new Set(a).size > 1 && new Set(b).size > 1);
      for (const measure of [spearman, pearson, kendall]) {
        expect(measure(b, a)).toBeCloseTo(measure(a, b), 12);
        expect(
          measure(
            a.map((x) => -x),
            b,
          ),
        ).toBeCloseTo(-measure(a, b), 12);
        expect(
          measure(
            a.map((x) => 3 * x + 7),
            b,
          ),
        ).toBeCloseTo(measure(a, b), 12);
        expect(measure(a, a)).toBeCloseTo(1, 12);
      }
      expect(
        spearman(
          a.map((x) => x ** 3),
          b,
        ),
      ).toBeCloseTo(spearman(a, b), 12);
    }),
  );
});

it.each([1e-300, 1e-162, 1e162, 1e300])('is the same for numbers of size %p', (size) => {
  const [a, b] = [
    [1, 5, -2, 7, 3],
    [2, 4, -1, 9, -3],
  ];
  for (const measure of [spearman, pearson, kendall])
    expect(
      measure(
        a.map((x) => x * size),
        b,
      ),
    ).toBeCloseTo(measure(a, b), 12);
});

it('refuses what it cannot measure', () => {
  expect(() => spearman([1, 2], [1])).toThrow(UnpairedScoresError);
  expect(() => kendall([1], [1])).toThrow(TooFewValuesError);
  expect(() => pearson([1, NaN], [1, 2])).toThrow(InvalidScoreError);
  expect(new ConstantInputError('x').code).toBe('CONSTANT_INPUT');
});
