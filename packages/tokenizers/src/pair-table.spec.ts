import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PairTable } from './pair-table.js';

const key = fc.oneof(fc.nat(4), fc.nat(1_000_000), fc.constant(2 ** 31 - 1));

it('PairTable gives what a map of pairs gives', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, key, fc.nat(), fc.integer({ min: -1 })), { maxLength: 600 }), (entries) => {
      const table = new PairTable();
      const map = new Map<string, readonly [number, number]>();
      for (const [left, right, first, second] of entries) {
        table.set(left, right, first, second);
        map.set(`${left} ${right}`, [first, second]);
      }
      for (const [left, right] of [...entries, ...entries.map(([one, other]) => [other, one] as const)]) {
        const place = table.find(left, right);
        const value = place < 0 ? undefined : [table.first(place), table.second(place)];
        expect(value).toEqual(map.get(`${left} ${right}`));
      }
    }),
  );
});
