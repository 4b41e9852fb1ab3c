import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  benjaminiHochberg,
  binomialAtMost,
  bootstrapMean,
  createRandom,
  holm,
  InvalidScoreError,
  mcNemarTest,
  mean,
  neededQueries,
  normalQuantile,
  quantile,
  randomFromState,
  SettingRangeError,
  signFlipTest,
  standardDeviation,
  TooFewValuesError,
  upperBoundOfShare,
} from '../index.js';

const goldens = golden('resampling');
const differences = ({
  old,
  new: renewed,
}: {
  readonly old: readonly number[];
  readonly new: readonly number[];
}): readonly number[] => renewed.map((score, i) => score - (old[i] as number));

describe('xoshiro128**', () => {
  it('gives the known sequence of the state 1, 2, 3, 4', () => {
    const random = randomFromState([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => random.next())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
  it('is uniform below a limit: chi-square of 60,000 throws of 6 sides, 5 degrees of freedom', () => {
    const random = createRandom(7);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const side = random.below(6);
      counts[side] = (counts[side] as number) + 1;
    }
    // 20.5 is exceeded once in 1,000.
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(20.5);
  });
  it('another seed is another sequence', () => expect(createRandom(1).next()).not.toBe(createRandom(2).next()));
});

describe.each(goldens.paired)('paired, $name', (item) => {
  const { sign_flip_exact: flips, bootstrap_exact: bootstrap, mean_difference: difference } = item;
  it('sign flips, all of them', () => {
    const { greater, less, twoSided, method } = signFlipTest(differences(item), { resamples: 1, seed: 1 });
    expect(method).toBe('exact');
    expect(greater).toBeCloseTo(flips.p_greater, 12);
    expect(less).toBeCloseTo(flips.p_less, 12);
    expect(twoSided).toBeCloseTo(flips.p_two_sided_abs, 12);
    expect(Math.min(1, 2 * Math.min(greater, less))).toBeCloseTo(flips.scipy_permutation_test['two-sided'], 12);
    expect(mean(differences(item))).toBeCloseTo(difference, 12);
  });
  if (bootstrap === undefined) return;
  it('bootstrap, all resamples', () => {
    const { means, method } = bootstrapMean(differences(item), { resamples: 46_656, seed: 1 });
    expect(method).toBe('exact');
    expect(means).toHaveLength(bootstrap.resamples);
    expect(mean(means)).toBeCloseTo(bootstrap.mean, 9);
    expect(standardDeviation(means) * Math.sqrt((means.length - 1) / means.length)).toBeCloseTo(bootstrap.std, 9);
    for (const [share, value] of Object.entries(bootstrap.quantiles_linear))
      expect(quantile(means, Number(share))).toBeCloseTo(value, 9);
    for (const [share, value] of Object.entries(bootstrap.quantiles_inverted_cdf))
      expect(quantile(means, Number(share), 'inverted-cdf')).toBeCloseTo(value, 9);
  });
});

it("10,000 resamples lie within Monte Carlo error of scipy's 20,000", () => {
  const { larger } = goldens;
  const { means, method } = bootstrapMean(differences(larger), { resamples: 10_000, seed: 1 });
  const [low, high] = larger.scipy_percentile_90_of_20000;
  const error = larger.standard_error_bootstrap_limit;
  expect(method).toBe('monte-carlo');
  expect(Math.abs(quantile(means, 0.05) - low)).toBeLessThan(0.1 * error);
  expect(Math.abs(quantile(means, 0.95) - high)).toBeLessThan(0.1 * error);
  expect(Math.abs(standardDeviation(means) / error - 1)).toBeLessThan(0.03);
});

it('random sign flips lie within Monte Carlo error of all of them', () => {
  const values = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 0.3 : -0.2));
  const { greater, less, method } = signFlipTest(values, { resamples: 20_000, seed: 3 });
  // Exact: the sum observed is (3 · 10 − 2 · 10) / 10, and that of a flip (3x + 2y) / 10 with x and y sums of ten
  // signs.
  const choose = (k: number): number =>
    Array.from({ length: k }, (_, i) => (10 - i) / (i + 1)).reduce((product, factor) => product * factor, 1);
  let exact = 0;
  for (let a = 0; a <= 10; a++)
    for (let b = 0; b <= 10; b++)
      if (3 * (2 * a - 10) + 2 * (2 * b - 10) >= 10) exact += (choose(a) * choose(b)) / 2 ** 20;
  expect(method).toBe('monte-carlo');
  expect(Math.abs(greater - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / 20_000));
  expect(greater + less).toBeGreaterThanOrEqual(1);
});

it.each(goldens.mcnemar_exact)(
  'McNemar, $old_hit_new_miss against $old_miss_new_hit',
  ({ old_hit_new_miss: onlyOld, old_miss_new_hit: onlyNew, ...expected }) => {
    const { twoSided, newBetter } = mcNemarTest(onlyOld, onlyNew);
    expect(twoSided).toBeCloseTo(expected.p_two_sided, 12);
    expect(newBetter).toBeCloseTo(expected.p_new_better, 12);
  },
);

it.each(goldens.multiple_testing)(
  'Holm and Benjamini-Hochberg of $p',
  ({ p, holm: byHolm, benjamini_hochberg: byBenjamini }) => {
    holm(p).forEach((value, i) => expect(value).toBeCloseTo(byHolm[i] as number, 12));
    benjaminiHochberg(p).forEach((value, i) => expect(value).toBeCloseTo(byBenjamini[i] as number, 12));
  },
);

it('Holm is never below Benjamini-Hochberg, and neither below the p-value', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (values) => {
      const [family, discoveries] = [holm(values), benjaminiHochberg(values)];
      values.forEach((value, i) => {
        expect(family[i] as number).toBeGreaterThanOrEqual((discoveries[i] as number) - 1e-12);
        expect(discoveries[i] as number).toBeGreaterThanOrEqual(value - 1e-12);
      });
    }),
  );
});

describe('where no query differs from another', () => {
  const drawn = { resamples: 50, seed: 1 };

  it('every resample has the mean of all values', () => {
    const values = new Array<number>(40).fill(0.1);
    const { means, method } = bootstrapMean(values, drawn);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect([new Set(means), means.length, method]).toEqual([new Set([mean]), 50, 'monte-carlo']);
  });

  it.each([3, 40])('every flip of %i zeros is as large as the observed sum', (count) =>
    expect(signFlipTest(new Float64Array(count), drawn)).toMatchObject({ greater: 1, less: 1, twoSided: 1 }),
  );
});

describe('shares', () => {
  it('0 bad of n leaves at most 3/n at 95 %', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (n) => {
        expect(upperBoundOfShare(0, n)).toBeLessThanOrEqual(3 / n);
        expect((1 - upperBoundOfShare(0, n)) ** n).toBeCloseTo(0.05, 6);
      }),
    );
    expect(upperBoundOfShare(0, 300)).toBeCloseTo(0.00993613, 7);
  });
  it('is the exact bound: at it, as few bad ones have the probability left', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 400 }).chain((n) => fc.tuple(fc.integer({ min: 1, max: n - 1 }), fc.constant(n))),
        ([bad, n]) => {
          expect(binomialAtMost(bad, n, upperBoundOfShare(bad, n, 0.9))).toBeCloseTo(0.1, 7);
        },
      ),
    );
    expect(upperBoundOfShare(5, 5)).toBe(1);
  });
});

it('normal quantiles are those of the tables', () => {
  for (const [share, z] of [
    [0.5, 0],
    [0.95, 1.6448536269514722],
    [0.8, 0.8416212335729143],
    [0.975, 1.959963984540054],
    [1e-10, -6.361340902404056],
    [0.999, 3.090232306167813],
  ] as const) {
    expect(normalQuantile(share)).toBeCloseTo(z, 12);
  }
});

it('needed queries: 1,392 by default, and no number at the margin', () => {
  expect(neededQueries()).toBe(1_392);
  expect(neededQueries({ standardDeviation: 0.15 })).toBe(348);
  expect(neededQueries({ difference: 0.02 })).toBe(348);
  expect(neededQueries({ difference: -0.06 })).toBe(348);
  expect(neededQueries({ difference: -0.02 })).toBe(Infinity);
});

it.each([1e-300, 1e-162, 1e162, 1e300, 1e308])('mean and standard deviation keep their digits at size %p', (size) => {
  const values = [1, 0.5, -1, 0.25, 1];
  const sized = values.map((value) => value * size);
  expect(mean(sized) / size).toBeCloseTo(mean(values), 12);
  expect(standardDeviation(sized) / size).toBeCloseTo(standardDeviation(values), 12);
  expect(mean([1, 1, 1].map((value) => value * 1.7e308))).toBe(1.7e308);
});

it('refuses what has no meaning', () => {
  expect(() => bootstrapMean([], { resamples: 10, seed: 1 })).toThrow(TooFewValuesError);
  expect(() => bootstrapMean([NaN], { resamples: 10, seed: 1 })).toThrow(InvalidScoreError);
  expect(() => bootstrapMean([1], { resamples: 0, seed: 1 })).toThrow(SettingRangeError);
  expect(() => signFlipTest([1], { resamples: 10, seed: -1 })).toThrow(SettingRangeError);
  expect(() => quantile([1], 1.1)).toThrow(SettingRangeError);
  expect(() => normalQuantile(1)).toThrow(SettingRangeError);
  expect(() => mcNemarTest(-1, 2)).toThrow(SettingRangeError);
  expect(() => holm([2])).toThrow(SettingRangeError);
  expect(() => upperBoundOfShare(3, 2)).toThrow(SettingRangeError);
  expect(() => neededQueries({ margin: 0 })).toThrow(SettingRangeError);
});
