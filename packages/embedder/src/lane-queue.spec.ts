import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LaneQueue } from './lane-queue.js';

describe('a lane', () => {
  const lane = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3_000 });
  it('gives every text once, of rising length within a batch and within the budget, the oldest in the next batch', () => {
    fc.assert(
      fc.property(lane, fc.integer({ min: 1, max: 200 }), (lengths, budget) => {
        const queue = new LaneQueue<{
          readonly ids: Int32Array;
          readonly job: { readonly done: boolean };
          readonly at: number;
        }>();
        lengths.forEach((length, at) => queue.push({ ids: new Int32Array(length), job: { done: false }, at }));
        const left = new Set(lengths.keys());
        while (!queue.isEmpty) {
          const batch = queue.take(budget);
          const sizes = batch.map(({ ids }) => ids.length);
          expect(batch.some(({ at }) => at === Math.min(...left))).toBe(true);
          expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
          expect(batch.length === 1 || sizes.reduce((sum, size) => sum + size, 0) <= budget).toBe(true);
          for (const { at } of batch) expect(left.delete(at)).toBe(true);
        }
        expect(left.size).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it('passes over the texts of callers who gave up', () => {
    const queue = new LaneQueue<{ readonly ids: Int32Array; readonly job: { done: boolean } }>();
    const [stays, goes] = [{ done: false }, { done: false }];
    for (let i = 0; i < 5_000; i++) queue.push({ ids: new Int32Array(1), job: i % 2 === 0 ? goes : stays });
    expect(queue.take(1).length).toBe(1);
    goes.done = true;
    expect(queue.take(5_000).every(({ job }) => job === stays)).toBe(true);
    expect(queue.drain().every(({ job }) => job === stays)).toBe(true);
    expect(queue.isEmpty).toBe(true);
  });
});
