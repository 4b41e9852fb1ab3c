import { expect, it } from '@jest/globals';
import { tokenBatch } from '@kimera/core';
import fc from 'fast-check';
import { equalLengthGroups } from './equal-length-groups.js';

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
