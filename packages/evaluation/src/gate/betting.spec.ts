import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  bettingTest,
  createRandom,
  DifferenceRangeError,
  InvalidScoreError,
  neededQueries,
  queriesToDecide,
  SettingRangeError,
  TooFewValuesError,
  type Random,
} from '../index.js';
import { logNormalProbability } from '../statistics/normal-probability.js';

const MARGIN = 0.02;
const differences = fc.array(
  fc.oneof(fc.constant(0), fc.constant(-1), fc.constant(1), fc.double({ min: -1, max: 1, noNaN: true })),
  { minLength: 1, maxLength: 300 },
);

/** Differences as nDCG@10 has them: mostly none, else ±0.5; a true mean of −loss, σ about 0.25. */
function simulated(random: Random, queries: number, loss: number): readonly number[] {
  const chance = (): number => random.next() / 2 ** 32;
  return Array.from({ length: queries }, () => {
    const roll = chance();
    return roll < 0.125 + loss ? -0.5 : roll < 0.25 ? 0.5 : 0;
  });
}

function rates(migrations: number, queries: number, loss: number, seed: number): { go: number; noGo: number } {
  const random = createRandom(seed);
  let [go, noGo] = [0, 0];
  for (let i = 0; i < migrations; i++) {
    const { notWorse, worse } = bettingTest(simulated(random, queries, loss), MARGIN);
    if (notWorse.decidedAfter !== null) go += 1;
    if (worse.decidedAfter !== null) noGo += 1;
  }
  return { go: go / migrations, noGo: noGo / migrations };
}

describe('the betting test', () => {
  it('bets δ / (σ² + δ²) of the queries before, with the caps: computed by hand', () => {
    // Variances before each query: 0.25; 0.25 / 2; (0.25 + 0.5) / 3, of 0.5 and −0.5.
    const stakes = [0.25, 0.125, 0.25].map((variance) => MARGIN / (variance + MARGIN ** 2));
    const outcomes = [0.5, -0.5, 0].map((difference) => difference + MARGIN);
    const capitals = outcomes.map((_outcome, last) =>
      outcomes.slice(0, last + 1).reduce((capital, outcome, i) => capital * (1 + (stakes[i] ?? 0) * outcome), 1),
    );
    expect(bettingTest([0.5, -0.5, 0], MARGIN).notWorse.logE).toBeCloseTo(Math.log(Math.max(...capitals)), 12);
    // Without any difference the variance falls as 0.25 / i, and the stakes end at their caps.
    const grown = [0.5, 0.9].map((cap) =>
      Array.from({ length: 400 }, (_, i) => MARGIN / (0.25 / (i + 1) + MARGIN ** 2)).reduce(
        (capital, stake) => capital * (1 + Math.min(stake, cap / 0.98) * MARGIN),
        1,
      ),
    );
    const { notWorse, worse } = bettingTest(new Array<number>(400).fill(0), MARGIN);
    expect(notWorse.logE).toBeCloseTo(Math.log(((grown[0] ?? 0) + (grown[1] ?? 0)) / 2), 9);
    expect(notWorse.p).toBeCloseTo(Math.exp(-notWorse.logE), 12);
    expect(notWorse.decidedAfter).toBe(198);
    expect(worse).toMatchObject({ p: 1, decidedAfter: null });
  });

  it('gives what an independent computation in Python gives', () => {
    const { cases } = golden('betting');
    for (const { hundredths, margin, ...expected } of cases) {
      const test = bettingTest(
        hundredths.map((value) => value / 100),
        margin,
      );
      for (const side of ['notWorse', 'worse'] as const) {
        expect(test[side].logE).toBeCloseTo(expected[side].logE, 10);
        expect(test[side].decidedAfter).toBe(expected[side].decidedAfter);
      }
    }
    expect(cases.some(({ notWorse }) => notWorse.decidedAfter !== null)).toBe(true);
    expect(cases.some(({ worse }) => worse.decidedAfter !== null)).toBe(true);
  });

  it('wins nothing on the average where the mean is −δ, and reaches 20 in at most 5 %: all sequences of two outcomes', () => {
    // Every sequence of 12 with its probability; the mean is −0.2.
    const [margin, queries] = [0.2, 12];
    const ever = { notWorse: 0, worse: 0 };
    for (const [low, high] of [
      [-1, 1],
      [-1, 0],
      [-0.3, 1],
      [-0.25, 0.4],
    ] as const) {
      const chanceOfHigh = (-margin - low) / (high - low);
      const [capital, reached] = [
        { notWorse: 0, worse: 0 },
        { notWorse: 0, worse: 0 },
      ];
      for (let sequence = 0; sequence < 2 ** queries; sequence++) {
        const values = Array.from({ length: queries }, (_, i) => (((sequence >> i) & 1) === 1 ? high : low));
        const highs = values.filter((value) => value === high).length;
        const chance = chanceOfHigh ** highs * (1 - chanceOfHigh) ** (queries - highs);
        const test = bettingTest(values, margin);
        for (const side of ['notWorse', 'worse'] as const) {
          capital[side] += chance * Math.exp(test[side].lastLogE);
          if (test[side].decidedAfter !== null) reached[side] += chance;
        }
      }
      for (const side of ['notWorse', 'worse'] as const) {
        expect(capital[side]).toBeCloseTo(1, 9);
        expect(reached[side]).toBeLessThanOrEqual(0.05);
        ever[side] += reached[side];
      }
    }
    expect(ever.notWorse).toBeGreaterThan(0);
    expect(ever.worse).toBeGreaterThan(0);
  });

  it('does not look ahead: what is known after n queries does not depend on the next ones', () => {
    fc.assert(
      fc.property(differences, differences, (known, next) => {
        const before = bettingTest(known, MARGIN);
        const after = bettingTest([...known, ...next], MARGIN);
        for (const side of ['notWorse', 'worse'] as const) {
          expect(after[side].logE).toBeGreaterThanOrEqual(before[side].logE);
          if (before[side].decidedAfter !== null) expect(after[side].decidedAfter).toBe(before[side].decidedAfter);
          else if (after[side].decidedAfter !== null) expect(after[side].decidedAfter).toBeGreaterThan(known.length);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps a capital above 0 whatever comes, and finite numbers for any length', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: 0.001, max: 0.9, noNaN: true }), (values, margin) => {
        const { notWorse, worse } = bettingTest(values, margin);
        for (const { logE, p } of [notWorse, worse]) {
          expect(Number.isFinite(logE)).toBe(true);
          expect(p >= 0 && p <= 1).toBe(true);
        }
      }),
    );
    const { notWorse, worse } = bettingTest(new Array<number>(100_000).fill(1), MARGIN);
    expect(notWorse.logE).toBeGreaterThan(40_000);
    expect(Number.isFinite(worse.logE)).toBe(true);
    expect(JSON.parse(JSON.stringify({ notWorse, worse }))).toEqual({ notWorse, worse });
  });

  it('grows with the scores', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: 0, max: 0.5, noNaN: true }), (values, more) => {
        const low = values.map((value) => value / 2);
        const better = bettingTest(
          low.map((value) => value + more),
          MARGIN,
        );
        const base = bettingTest(low, MARGIN);
        expect(better.notWorse.logE).toBeGreaterThanOrEqual(base.notWorse.logE - 1e-9);
        expect(better.worse.logE).toBeLessThanOrEqual(base.worse.logE + 1e-9);
      }),
    );
  });

  it('refuses what it cannot judge', () => {
    expect(() => bettingTest([], MARGIN)).toThrow(TooFewValuesError);
    expect(() => bettingTest([NaN], MARGIN)).toThrow(InvalidScoreError);
    expect(() => bettingTest([0, 1.5], MARGIN)).toThrow(DifferenceRangeError);
    expect(() => bettingTest([0], 0)).toThrow(SettingRangeError);
    expect(() => bettingTest([0], 1)).toThrow(SettingRangeError);
  });
});

describe('rates over a whole migration, looked at after every query', () => {
  /** Three standard errors of a rate of 5 % seen in 600 migrations. */
  const NOISE = 3 * Math.sqrt((0.05 * 0.95) / 600);

  it('a true loss of δ ever gets GO in at most 5 %, and no loss ever NO-GO', () => {
    const atMargin = rates(600, 1_500, MARGIN, 1);
    expect(atMargin.go).toBeLessThanOrEqual(0.05 + NOISE);
    expect(atMargin.noGo).toBeLessThanOrEqual(0.05 + NOISE);
    // The bound is used, not far away.
    expect(atMargin.go).toBeGreaterThan(0.005);
    expect(atMargin.noGo).toBeGreaterThan(0.005);
    expect(rates(600, 1_500, 0, 2).noGo).toBeLessThanOrEqual(0.01);
  });
  it('a true loss of 2δ ever gets GO in at most 1 %', () => {
    expect(rates(600, 1_500, 2 * MARGIN, 3).go).toBeLessThanOrEqual(0.01);
  });
  it('equally good models get GO in about 85 % at the number that is advised, a loss of 2δ NO-GO', () => {
    const advised = queriesToDecide({ standardDeviation: 0.25 });
    const noise = 3 * Math.sqrt((0.85 * 0.15) / 600);
    expect(Math.abs(rates(600, advised, 0, 4).go - 0.85)).toBeLessThan(noise);
    expect(Math.abs(rates(600, advised, 2 * MARGIN, 5).noGo - 0.85)).toBeLessThan(noise);
  });
});

describe('queries to decide', () => {
  it('cost 1.38 times the number of one look, where the models are equally good', () => {
    expect(queriesToDecide()).toBe(2_249);
    expect(queriesToDecide() / neededQueries({ power: 0.85 })).toBeCloseTo(1.39, 2);
    expect(queriesToDecide({ power: 0.5 })).toBeLessThan(queriesToDecide() / 2);
  });
  it('are as many as the bets need where no query differs', () => {
    const advised = queriesToDecide({ standardDeviation: 0 });
    const { decidedAfter } = bettingTest(new Array<number>(400).fill(0), MARGIN).notWorse;
    expect(Math.abs(advised - (decidedAfter ?? 0))).toBeLessThan(10);
  });
  it('fall with the distance from the margin, and are none near it', () => {
    const at = (difference: number): number => queriesToDecide({ standardDeviation: 0.25, difference });
    expect(
      [at(0.25), at(0.05), at(0.02), at(0), at(-0.01)].every((n, i, all) => i === 0 || n > (all[i - 1] ?? 0)),
    ).toBe(true);
    expect(at(-0.018)).toBe(Infinity);
    expect(at(-0.02)).toBe(Infinity);
    expect(at(-0.04)).toBeLessThan(at(-0.03));
  });
  it('refuse what means nothing', () => {
    for (const wrong of [{ margin: 0 }, { standardDeviation: -1 }, { power: 1 }, { difference: NaN }])
      expect(() => queriesToDecide(wrong)).toThrow(SettingRangeError);
  });
});

it('the probability of a normal is that of tables, far into the tail', () => {
  // log Φ(z) by mpmath, 40 digits.
  for (const [z, log] of [
    [-40, -804.6084420137538],
    [-8, -35.01343715991455],
    [-3.5, -8.366065308344092],
    [-3, -6.607726221510349],
    [-2.5, -5.08164827727869],
    [-1, -1.8410216450092636],
    [-0.25, -0.9130617648111351],
    [0, -0.6931471805599453],
    [0.5, -0.3689464152886564],
    [2, -0.02301290932896349],
    [5, -2.866516129637636e-7],
  ] as const)
    expect(logNormalProbability(z) / log).toBeCloseTo(1, 10);
});
