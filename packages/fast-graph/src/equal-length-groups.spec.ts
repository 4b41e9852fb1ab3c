import { expect, it } from '@jest/globals';
import { batchSize, tokenBatch } from '@kimera/core';
import fc from 'fast-check';
import { equalLengthGroups, togetherUpTo } from './equal-length-groups.js';

it('equal-length groups hold every text once, of one length, within the budget', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 })), fc.integer({ min: 1, max: 100 }), (lengths, budget) => {
      const batch = tokenBatch(lengths.map((length) => new Int32Array(length)));
      const groups = equalLengthGroups(batch, budget, [...lengths.keys()]);
      expect(groups.flatMap(({ texts }) => texts).sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
      for (const { tokens, texts } of groups) {
        expect(texts.every((text) => lengths[text] === tokens)).toBe(true);
        expect(texts.length === 1 || texts.length * tokens <= budget).toBe(true);
      }
    }),
  );
});

it('every text is in exactly one run, no run of several groups is beyond the budget, and none could have taken the next group', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 200 }), (tokens, budget) => {
      const batch = tokenBatch(tokens.map((length) => new Int32Array(length)));
      const groups = equalLengthGroups(batch, budget, [...tokens.keys()]);
      const runs = togetherUpTo(budget, groups);
      const texts = runs.flatMap((run) => run.flatMap((group) => group.texts));
      expect([...texts].sort((a, b) => a - b)).toEqual(Array.from({ length: batchSize(batch) }, (_, i) => i));
      const size = (group: (typeof groups)[number] | undefined): number =>
        (group?.tokens ?? 0) * (group?.texts.length ?? 0);
      runs.forEach((run, i) => {
        const sum = run.reduce((total, group) => total + size(group), 0);
        expect(run.length === 1 || sum <= budget).toBe(true);
        const next = runs[i + 1]?.[0];
        if (next !== undefined) expect(sum + size(next)).toBeGreaterThan(budget);
      });
    }),
  );
});
