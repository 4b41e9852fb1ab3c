import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { golden } from '../goldens.fixture.js';
import {
  InvalidScoreError,
  qualityGate,
  SettingRangeError,
  TooFewValuesError,
  UnpairedScoresError,
  type GateResult,
  type GateVerdict,
} from '../index.js';

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
      decidedBy: null,
      looks: 1,
      hits: null,
      slices: [],
    });
    expect(result.meanDifference).toBeCloseTo(-0.022145, 9);
    expect(Math.abs(result.p5 - -0.058775)).toBeLessThan(0.0023);
    // A loss at the margin: no number of queries surely decides.
    expect(result.neededQueries).toBeNull();
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
  it('is the same for the same seed; figures beside it do not depend on the order of the queries', () => {
    const first = qualityGate({ source, target });
    expect(qualityGate({ source, target })).toEqual(first);
    const turned = qualityGate({ source: [...source].reverse(), target: [...target].reverse() });
    expect(turned).toMatchObject({ p5: first.p5, p95: first.p95, signFlip: first.signFlip });
  });
  it('improves with the scores and does not see a shift of both sides', () => {
    const order: readonly GateVerdict[] = ['NO-GO', 'INCONCLUSIVE', 'GO'];
    const scores = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 })), {
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
        expect(shifted.notWorse.logE).toBeCloseTo(gate.notWorse.logE, 6);
      }),
      { numRuns: 50 },
    );
  });
  it('is GO for equal scores, NO-GO for a loss everywhere, and neither exactly at the margin', () => {
    const half = new Array<number>(400).fill(0.5);
    expect(qualityGate({ source: half, target: half })).toMatchObject({
      verdict: 'GO',
      decidedBy: 'not-worse',
      notWorse: { decidedAfter: 198 },
    });
    expect(qualityGate({ source: half, target: half.map(() => 0.46) })).toMatchObject({
      verdict: 'NO-GO',
      decidedBy: 'worse',
    });
    expect(qualityGate({ source: half, target: half.map(() => 0.48) })).toMatchObject({
      verdict: 'INCONCLUSIVE',
      neededQueries: null,
    });
  });
  it('is INCONCLUSIVE for few queries whatever they say', () => {
    const [zeros, ones] = [new Array<number>(29).fill(0), new Array<number>(29).fill(1)];
    expect(qualityGate({ source: zeros, target: ones })).toMatchObject({ verdict: 'INCONCLUSIVE', neededQueries: 30 });
    expect(qualityGate({ source: zeros, target: ones, minimumQueries: 29 }).verdict).toBe('GO');
  });
  it('that was reached at a look stays while later queries agree, and is taken back aloud where they do not', () => {
    const gate = (changes: readonly (readonly [count: number, change: number])[]): GateResult => {
      const all = changes.flatMap(([count, change], look) =>
        Array.from({ length: count }, () => ({ change, look: look + 1 })),
      );
      return qualityGate({
        source: all.map(() => 0.5),
        target: all.map(({ change }) => 0.5 + change),
        looks: all.map(({ look }) => look),
        resamples: 200,
      });
    };
    expect(gate([[60, 0.3]])).toMatchObject({ verdict: 'GO', looks: 1 });
    const kept = gate([
      [60, 0.3],
      [60, -0.1],
    ]);
    expect(kept).toMatchObject({ verdict: 'GO', looks: 2, decidedBy: 'not-worse' });
    expect(kept.reason).toContain('at look 1');
    const turned = gate([
      [60, 0.3],
      [110, -0.2],
    ]);
    expect(turned).toMatchObject({ verdict: 'INCONCLUSIVE', decidedBy: null, worse: { decidedAfter: null } });
    expect(turned.reason).toContain('"not worse" was reached after 19 queries, at look 1, but the mean');
    const contradicted = gate([
      [60, 0.3],
      [1, 0],
      [400, -0.3],
    ]);
    expect(contradicted).toMatchObject({ verdict: 'INCONCLUSIVE', decidedBy: null, looks: 3 });
    expect(contradicted.worse.decidedAfter).toBeGreaterThan(61);
    expect(contradicted.reason).toContain('contradict');
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
  /** 400 queries that gain, `worse` of them, spread, in slice "b" that lose `loss` on half of the queries. */
  function sliced(worse: number, loss: number) {
    const source = new Array<number>(400).fill(0.5);
    const places = source.map((_score, i) => (i * 7) % 400);
    return {
      source,
      target: places.map((place) => 0.5 + (place >= worse ? 0.1 : place % 2 === 0 ? -loss : 0)),
      slices: places.map((place) => (place < worse ? 'b' : place < 300 ? 'a' : '')),
    };
  }

  it('one that lost by more than the margin after Holm makes the whole NO-GO', () => {
    const result = qualityGate(sliced(100, 0.4));
    expect(result.notWorse.decidedAfter).not.toBeNull();
    expect(result).toMatchObject({ verdict: 'NO-GO', decidedBy: 'worse-in-a-slice' });
    expect(result.reason).toContain('b (−0.2000, 100 queries)');
    expect(result.slices.map(({ slice, verdict, queries }) => [slice, verdict, queries])).toEqual([
      ['a', 'GO', 200],
      ['b', 'NO-GO', 100],
    ]);
  });
  it('one that lost only before the adjustment, or only by its bootstrap, turns GO into INCONCLUSIVE', () => {
    const bootstrap = qualityGate(sliced(60, 0.2));
    expect(bootstrap).toMatchObject({ verdict: 'INCONCLUSIVE', decidedBy: null });
    expect(bootstrap.reason).toContain('perhaps in b (−0.1000, 60 queries)');
    expect(bootstrap.slices[1]).toMatchObject({ slice: 'b', verdict: 'INCONCLUSIVE' });
    expect(bootstrap.slices[1]?.worse).toBeLessThan(0.05);
    expect(bootstrap.slices[1]?.worseAdjusted).toBeGreaterThan(0.05);
    const base = sliced(80, 0.2);
    const alone = qualityGate(base).slices.find(({ slice }) => slice === 'b');
    const many = { ...base, slices: base.slices.map((slice, i) => (slice === 'a' ? `a${i % 7}` : slice)) };
    const among = qualityGate({ ...many, minimumSlice: 20 });
    const slice = among.slices.find(({ slice: name }) => name === 'b');
    expect(alone?.worseAdjusted).toBeLessThanOrEqual(0.05);
    expect(slice?.worseAdjusted).toBeGreaterThan(0.05);
    expect(slice?.verdict).toBe('INCONCLUSIVE');
    expect(among.verdict).toBe('INCONCLUSIVE');
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
