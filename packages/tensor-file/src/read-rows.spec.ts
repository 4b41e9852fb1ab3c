import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readRows } from './read-rows.js';
import type { ElementRange } from './tensor-source.js';

it('gives each row that is asked for once, and reads those that lie near each other together', async () => {
  const row = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 5_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(row), fc.integer({ min: 1, max: 40 }), async (indices, width) => {
      const ranges: ElementRange[] = [];
      const read = async (_name: string, range: ElementRange = { from: 0, count: 0 }) => {
        ranges.push(range);
        return Float32Array.from({ length: range.count }, (_, i) => range.from + i);
      };
      const rows = await readRows({ read }, 'table', width, indices);
      expect([...rows.keys()].sort((a, b) => a - b)).toEqual([...new Set(indices)].sort((a, b) => a - b));
      for (const [index, values] of rows)
        expect([...values]).toEqual(Array.from({ length: width }, (_, i) => index * width + i));
      // Between two ranges lie more than 4 KB: otherwise they would be one.
      for (const [i, { from, count }] of ranges.slice(0, -1).entries())
        expect((ranges[i + 1] as ElementRange).from - (from + count)).toBeGreaterThan(1_024);
    }),
  );
});
