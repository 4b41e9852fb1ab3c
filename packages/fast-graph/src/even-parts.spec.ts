import { expect, it } from '@jest/globals';
import { tokenBatch } from '@kimera/core';
import fc from 'fast-check';
import { evenParts } from './even-parts.js';

it('every text is in one part, and no two parts differ by more than a text', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 12 }), (tokens, count) => {
      const parts = evenParts(tokenBatch(tokens.map((length) => new Int32Array(length))), count);
      expect(parts.length).toBe(Math.min(count, tokens.length));
      expect(parts.flat().sort((a, b) => a - b)).toEqual([...tokens.keys()]);
      const sizes = parts.map((texts) => texts.reduce((sum, text) => sum + (tokens[text] ?? 0), 0));
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(Math.max(...tokens));
    }),
  );
});
