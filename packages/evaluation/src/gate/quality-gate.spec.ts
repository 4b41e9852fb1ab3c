import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  createRandom,
  InvalidScoreError,
  neededQueries,
  qualityGate,
  SettingRangeError,
  TooFewValuesError,
  UnpairedScoresError,
  type GateVerdict,
  type Random,
} from '../index.js';

const MARGIN = 0.02;

/**
 * Scores as nDCG has them, 0, ½ or 1: a query falls or rises by ½ with chances that differ by twice the loss, so that
 * the true mean of new − old is −loss and σ is about 0.3.
 */
function simulate(
  random: Random,
  queries: number,
  loss: number,
): { readonly source: readonly number[]; readonly target: readonly number[] } {
  const chance = (): number => random.next() / 2 ** 32;
  const pairs = Array.from({ length: queries }, () => {
    const roll = chance();
    const change = roll < 0.18 + loss ? -0.5 : roll < 0.36 ? 0.5 : 0;
    const old = change === 0 ? random.below(3) / 2 : change < 0 ? 0.5 + random.below(2) / 2 : random.below(2) / 2;
    return [old, old + change] as const;
  });
  return { source: pairs.map(([old]) => old), target: pairs.map(([, renewed]) => renewed) };
}

function verdicts(
  migrations: number,
  queries: number,
  loss: number,
  seed: number,
): Readonly<Record<GateVerdict, number>> {
  const random = createRandom(seed);
  const counts = { GO: 0, 'NO-GO': 0, INCONCLUSIVE: 0 };
  for (let i = 0; i < migrations; i++)
    counts[qualityGate({ ...simulate(random, queries, loss), margin: MARGIN, resamples: 200, seed: i }).verdict]++;
  return counts;
}

describe('error rates, by simulation', () => {
  it('a true loss of twice the margin gets GO in at most 5 % of 300 migrations, at any size', () => {
    for (const queries of [40, 200]) expect(verdicts(300, queries, 2 * MARGIN, queries).GO).toBeLessThanOrEqual(15);
  });
  it('a true loss of the margin itself gets GO, and NO-GO, in about 5 %: at most 3 standard errors more', () => {
    const counts = verdicts(300, 200, MARGIN, 11);
    for (const verdict of ['GO', 'NO-GO'] as const) {
      expect(counts[verdict]).toBeGreaterThan(0);
      expect(counts[verdict]).toBeLessThanOrEqual(300 * 0.05 + 3 * Math.sqrt(300 * 0.05 * 0.95));
    }
  });
  it('equally good models get GO in about 80 % at the number of queries that is advised', () => {
    const advised = neededQueries({ standardDeviation: 0.3, margin: MARGIN });
    const { GO: go, 'NO-GO': noGo } = verdicts(100, advised, 0, 5);
    expect(go).toBeGreaterThanOrEqual(100 * 0.8 - 3 * Math.sqrt(100 * 0.8 * 0.2));
    expect(noGo).toBe(0);
  });
});

describe('the verdict', () => {
  const { old: source, new: target } = golden('resampling').larger;

  it('is INCONCLUSIVE with the n that would decide, and the figures are those of the reference', () => {
    const result = qualityGate({ source, target, seed: 4 });
    expect(result).toMatchObject({
      verdict: 'INCONCLUSIVE',
      queries: 200,
      margin: 0.02,
      seed: 4,
      resamples: 10_000,
      method: 'monte-carlo',
      hits: null,
      slices: [],
    });
    expect(result.meanDifference).toBeCloseTo(-0.022145, 9);
    expect(Math.abs(result.p5 - -0.058775)).toBeLessThan(0.0023);
    expect(result.neededQueries).toBeGreaterThan(200);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
  it('is the same for the same seed, and for the queries in another order', () => {
    const first = qualityGate({ source, target });
    expect(qualityGate({ source, target })).toEqual(first);
    const turned = qualityGate({ source: [...source].reverse(), target: [...target].reverse() });
    expect(turned).toMatchObject({ verdict: first.verdict, p5: first.p5, p95: first.p95, signFlip: first.signFlip });
  });
  it('improves with the scores and does not see a shift of both sides', () => {
    const order: readonly GateVerdict[] = ['NO-GO', 'INCONCLUSIVE', 'GO'];
    const scores = fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 })), {
      minLength: 30,
      maxLength: 60,
    });
    fc.assert(
      fc.property(scores, fc.integer({ min: 0, max: 50 }), (items, more) => {
        const [old, renewed] = [items.map(([x]) => x / 100), items.map(([, y]) => y / 100)];
        const gate = qualityGate({ source: old, target: renewed, resamples: 200 });
        const better = qualityGate({ source: old, target: renewed.map((score) => score + more / 100), resamples: 200 });
        expect(order.indexOf(better.verdict)).toBeGreaterThanOrEqual(order.indexOf(gate.verdict));
        const shifted = qualityGate({
          source: old.map((score) => score + 1),
          target: renewed.map((score) => score + 1),
          resamples: 200,
        });
        expect(shifted.p5).toBeCloseTo(gate.p5, 9);
        expect(shifted.verdict).toBe(gate.verdict);
      }),
      { numRuns: 50 },
    );
  });
  it('is GO for equal scores, NO-GO for a loss everywhere, and neither exactly at the margin', () => {
    const half = new Array<number>(40).fill(0.5);
    expect(qualityGate({ source: half, target: half }).verdict).toBe('GO');
    expect(qualityGate({ source: half, target: half.map(() => 0.47) }).verdict).toBe('NO-GO');
    expect(qualityGate({ source: half, target: half.map(() => 0.48) })).toMatchObject({
      verdict: 'INCONCLUSIVE',
      neededQueries: null,
    });
  });
  it('is INCONCLUSIVE for few queries whatever they say', () => {
    const ones = new Array<number>(29).fill(1);
    expect(qualityGate({ source: ones, target: ones })).toMatchObject({ verdict: 'INCONCLUSIVE', neededQueries: 30 });
    expect(qualityGate({ source: ones, target: ones, minimumQueries: 29 }).verdict).toBe('GO');
  });
  it('compares hits by the exact McNemar test', () => {
    const hits = {
      source: source.map((_score, i) => (i < 12 ? 1 : 0)),
      target: source.map((_score, i) => (i >= 3 && i < 21 ? 1 : 0)),
    };
    expect(qualityGate({ source, target, hits }).hits).toMatchObject({ onlyOld: 3, onlyNew: 9 });
    expect(qualityGate({ source, target, hits }).hits?.twoSided).toBeCloseTo(0.14599609375, 12);
  });
});

describe('slices', () => {
  /** 400 queries that gain, `worse` of them in slice "b" that lose `loss` on half of the queries. */
  function sliced(worse: number, loss: number) {
    const source = new Array<number>(400).fill(0.5);
    return {
      source,
      target: source.map((score, i) => (i < worse ? score - (i % 2 === 0 ? loss : 0) : score + 0.1)),
      slices: source.map((_score, i) => (i < worse ? 'b' : i < 300 ? 'a' : '')),
    };
  }

  it('one that lost by more than the margin after Holm makes the whole NO-GO', () => {
    const result = qualityGate(sliced(60, 0.2));
    expect(result.p5).toBeGreaterThan(-MARGIN);
    expect(result.verdict).toBe('NO-GO');
    expect(result.reason).toContain('b (−0.1000, 60 queries)');
    expect(result.slices.map(({ slice, verdict, queries }) => [slice, verdict, queries])).toEqual([
      ['a', 'GO', 240],
      ['b', 'NO-GO', 60],
    ]);
  });
  it('one that lost only before the adjustment turns GO into INCONCLUSIVE', () => {
    const base = sliced(40, 0.14);
    const many = { ...base, slices: base.slices.map((slice, i) => (slice === 'a' ? `a${i % 7}` : slice)) };
    const target = base.target.map((score, i) => (i < 40 && i % 2 === 1 ? 0.5 + 0.04 : score));
    const result = qualityGate({ ...many, target });
    const slice = result.slices.find(({ slice: name }) => name === 'b');
    expect(slice?.worse).toBeLessThanOrEqual(0.05);
    expect(slice?.worseAdjusted).toBeGreaterThan(0.05);
    expect(slice?.verdict).toBe('INCONCLUSIVE');
    expect(result.p5).toBeGreaterThan(-MARGIN);
    expect(result.verdict).toBe('INCONCLUSIVE');
    expect(result.reason).toContain('perhaps in b');
  });
  it('one below the minimum is shown and not tested', () => {
    const result = qualityGate(sliced(29, 0.5));
    expect(result.verdict).toBe('GO');
    expect(result.slices[1]).toMatchObject({
      slice: 'b',
      verdict: 'NOT-TESTED',
      worse: null,
      worseAdjusted: null,
      queries: 29,
    });
  });
  it('never raise the verdict', () => {
    const worse = sliced(400, 0.2);
    expect(qualityGate({ ...worse, slices: worse.source.map(() => '') }).verdict).toBe('NO-GO');
  });
});

it('refuses what it cannot judge', () => {
  expect(() => qualityGate({ source: [1], target: [] })).toThrow(UnpairedScoresError);
  expect(() => qualityGate({ source: [], target: [] })).toThrow(TooFewValuesError);
  expect(() => qualityGate({ source: [1], target: [NaN] })).toThrow(InvalidScoreError);
  expect(() => qualityGate({ source: [1], target: [1], margin: 0 })).toThrow(SettingRangeError);
  expect(() => qualityGate({ source: [1], target: [1], slices: [] })).toThrow(UnpairedScoresError);
  expect(() => qualityGate({ source: [1], target: [1], hits: { source: [1, 0], target: [1, 0] } })).toThrow(
    UnpairedScoresError,
  );
});
