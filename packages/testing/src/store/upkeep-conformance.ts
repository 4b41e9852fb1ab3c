import type { TestFunctions } from '../test-functions.js';
import {
  type Bench,
  bits,
  embedded,
  filledInBothSpaces,
  idsOf,
  NEW,
  OLD,
  rowsNamed,
  vectorOf,
} from './store-under-test.js';

export function upkeepConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const application = () => bench.current().application;
  const ready = (): Promise<string> => filledInBothSpaces(bench);
  const kinds = async (name: string): Promise<readonly string[]> =>
    (await store().upkeep.faults(name)).map(({ kind }) => kind);

  describe('upkeep', () => {
    it('finds no fault where there is none, and changes nothing then', async () => {
      const name = await ready();
      const before = bits(await store().vectors.readVectors(name, OLD.fingerprint));
      expect(await store().upkeep.faults(name)).toEqual([]);
      expect(await store().upkeep.reconcile(name)).toEqual({ queued: 0, removed: 0 });
      expect(bits(await store().vectors.readVectors(name, OLD.fingerprint))).toEqual(before);
      expect(await store().upkeep.faults(name)).toEqual([]);
    });

    it('sees that a table was emptied: no row is shown, and what belonged to them goes', async () => {
      const name = await ready();
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      await application().empty(name);
      await application().write(name, rowsNamed('c'));
      await application().write(name, [{ id: 'new', text: 'later' }]);
      const found = (
        await store().search.search(name, { space: OLD.fingerprint, dense: vectorOf(OLD, 'x') }, { limit: 10 })
      ).hits;
      expect(idsOf(found)).toEqual(['c']);
      expect(await kinds(name)).toEqual(['truncated']);
      expect(await store().upkeep.reconcile(name)).toEqual({ queued: 0, removed: 4 });
      expect(await store().upkeep.faults(name)).toEqual([]);
      for (const { fingerprint } of [OLD, NEW]) {
        expect([...idsOf(await store().changes.readPending(name, fingerprint, 10))].sort()).toEqual(['c', 'new']);
        expect(await store().vectors.coverage(name, fingerprint)).toMatchObject({
          rows: 2,
          current: 1,
          missing: 1,
          orphans: 0,
          pending: 2,
        });
      }
    });

    it('queues rows without a vector, in the spaces that lack it', async () => {
      const name = await bench.collection();
      await store().collections.upsertRows(
        name,
        rowsNamed('a', 'b').map((row) => embedded(row)),
      );
      await store().vectors.openSpace(name, NEW);
      expect(await store().upkeep.reconcile(name)).toEqual({ queued: 2, removed: 0 });
      expect(await store().upkeep.reconcile(name)).toEqual({ queued: 0, removed: 0 });
      expect(idsOf(await store().changes.readPending(name, NEW.fingerprint, 10))).toEqual(['a', 'b']);
      expect(await store().changes.countPending(name, OLD.fingerprint)).toBe(0);
    });
  });
}
