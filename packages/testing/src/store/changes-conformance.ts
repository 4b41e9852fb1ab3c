import { rejection, type TestFunctions } from '../test-functions.js';
import {
  type Bench,
  bits,
  embedded,
  filledInBothSpaces,
  idsOf,
  NEW,
  newVector,
  OLD,
  OTHER,
  rowsNamed,
  vectorOf,
  vectorsOf,
} from './store-under-test.js';

export function changesConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const application = () => bench.current().application;
  const pending = async (name: string, space: string, limit = 100): Promise<readonly string[]> =>
    idsOf(await store().changes.readPending(name, space, limit));
  const ready = (): Promise<string> => filledInBothSpaces(bench);

  describe('changes', () => {
    it('of an application are queued in every space, the oldest first, and make the vector there stale', async () => {
      const name = await ready();
      await application().write(name, [{ id: 'c', text: 'edited' }]);
      await application().write(name, [{ id: 'new', text: 'inserted' }]);
      await application().write(name, [{ id: 'a', text: 'edited too' }]);
      await application().write(name, [{ id: 'c', text: 'edited again' }]);
      for (const { fingerprint } of [OLD, NEW]) {
        expect(await pending(name, fingerprint)).toEqual(['c', 'new', 'a']);
        expect(await pending(name, fingerprint, 2)).toEqual(['c', 'new']);
        expect(await store().changes.countPending(name, fingerprint)).toBe(3);
        expect(idsOf(await store().vectors.readVectors(name, fingerprint))).toEqual(['a', 'b', 'c']);
        expect(await store().vectors.coverage(name, fingerprint)).toEqual({
          rows: 4,
          current: 1,
          missing: 1,
          stale: 2,
          orphans: 0,
          malformed: 0,
          truncated: 0,
          pending: 3,
        });
      }
      const [first] = await store().changes.readPending(name, NEW.fingerprint, 1);
      expect(first).toEqual({
        id: 'c',
        text: 'edited again',
        contentHash: (await newVector(NEW, { id: 'c', text: 'edited again' })).contentHash,
      });
    });

    it('leave a stale vector to searches until the new one is there; the vector of a deleted row is gone at once', async () => {
      const name = await ready();
      const before = bits(await store().vectors.readVectors(name, OLD.fingerprint, ['a']));
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      await application().delete(name, ['b']);
      const found = async (text: string): Promise<readonly unknown[]> =>
        (
          await store().search.search(name, { space: OLD.fingerprint, dense: vectorOf(OLD, text) }, { limit: 10 })
        ).hits.map(({ id, stale }) => [id, stale]);
      expect((await found('text of a'))[0]).toEqual(['a', true]);
      expect([...(await found('text of a'))].sort()).toEqual([
        ['a', true],
        ['c', false],
      ]);
      expect(bits(await store().vectors.readVectors(name, OLD.fingerprint, ['a']))).toEqual(before);
      await store().vectors.writeVectors(
        name,
        OLD.fingerprint,
        vectorsOf(OLD, await store().changes.readPending(name, OLD.fingerprint, 10)),
      );
      expect((await found('edited'))[0]).toEqual(['a', false]);
      expect(await store().vectors.coverage(name, OLD.fingerprint)).toMatchObject({ rows: 2, current: 2, stale: 0 });
    });

    it('of one row are one, however many there were', async () => {
      const name = await ready();
      for (let i = 0; i < 300; i++) await application().write(name, [{ id: 'a', text: `edited ${i}` }]);
      await application().write(name, [{ id: 'c', text: 'edited' }]);
      expect(await pending(name, NEW.fingerprint, 2)).toEqual(['a', 'c']);
      expect(await pending(name, NEW.fingerprint, 1)).toEqual(['a']);
      expect(await store().changes.countPending(name, NEW.fingerprint)).toBe(2);
      await application().delete(name, ['a']);
      expect(await pending(name, NEW.fingerprint, 1)).toEqual(['c']);
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toMatchObject({ orphans: 0, pending: 1 });
    });

    it('back to the text of before are done by its vector', async () => {
      const name = await ready();
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      await application().write(name, rowsNamed('a'));
      expect(await store().vectors.coverage(name, NEW.fingerprint)).toMatchObject({ current: 3, stale: 0, pending: 1 });
      const [row] = await store().changes.readPending(name, NEW.fingerprint, 10);
      await store().vectors.writeVectors(name, NEW.fingerprint, vectorsOf(NEW, row === undefined ? [] : [row]));
      expect(await store().changes.countPending(name, NEW.fingerprint)).toBe(0);
    });

    it('that change nothing queue nothing', async () => {
      const name = await ready();
      await application().write(name, rowsNamed('a', 'b', 'c'));
      await application().write(name, []);
      expect(await pending(name, NEW.fingerprint)).toEqual([]);
      expect((await store().vectors.coverage(name, OLD.fingerprint)).current).toBe(3);
    });

    it('that come with a vector of the active space are queued for the other alone', async () => {
      const name = await ready();
      await store().collections.upsertRows(name, [
        embedded({ id: 'a', text: 'edited' }),
        embedded({ id: 'new', text: 'inserted' }),
      ]);
      expect([...(await pending(name, NEW.fingerprint))].sort()).toEqual(['a', 'new']);
      expect(await pending(name, OLD.fingerprint)).toEqual([]);
      expect((await store().vectors.coverage(name, OLD.fingerprint)).current).toBe(4);
      await application().write(name, [{ id: 'a', text: 'by the application' }]);
      await store().collections.upsertRows(name, [embedded({ id: 'a', text: 'by the application' })]);
      expect(await pending(name, OLD.fingerprint)).toEqual([]);
    });

    it('are done once the vector of the present text is written, and not by that of an older one', async () => {
      const name = await ready();
      await application().write(name, [{ id: 'a', text: 'second' }]);
      const late = await store().changes.readPending(name, NEW.fingerprint, 10);
      await application().write(name, [{ id: 'a', text: 'third' }]);
      expect(await store().vectors.writeVectors(name, NEW.fingerprint, vectorsOf(NEW, late))).toEqual({
        written: 0,
        outdated: 1,
      });
      expect(await pending(name, NEW.fingerprint)).toEqual(['a']);
      expect(
        await store().vectors.writeVectors(
          name,
          NEW.fingerprint,
          vectorsOf(NEW, await store().changes.readPending(name, NEW.fingerprint, 10)),
        ),
      ).toEqual({ written: 1, outdated: 0 });
      expect(await pending(name, NEW.fingerprint)).toEqual([]);
      expect(await pending(name, OLD.fingerprint)).toEqual(['a']);
    });

    it('are claimed by one worker each, until they are released or the lease ends', async () => {
      const name = await ready();
      const claim = async (limit: number, leaseSeconds = 300): Promise<readonly string[]> =>
        idsOf(await store().changes.claimPending(name, NEW.fingerprint, { limit, leaseSeconds, of: 'all rows' }));
      await application().write(name, [{ id: 'c', text: 'edited' }]);
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      await application().write(name, [{ id: 'b', text: 'edited' }]);
      expect(await claim(1, 0.2)).toEqual(['c']);
      const claims = await Promise.all([claim(2), claim(2), claim(2)]);
      expect(claims.flat().sort()).toEqual(['a', 'b']);
      await bench.current().pass(0.4);
      expect(await claim(5)).toEqual(['c']);
      await store().changes.releasePending(name, NEW.fingerprint, ['b', 'nobody']);
      expect(await claim(5)).toEqual(['b']);
      expect(await pending(name, NEW.fingerprint)).toEqual(['c', 'a', 'b']);
      await store().changes.releasePending(name, NEW.fingerprint, ['a']);
      await application().delete(name, ['a']);
      expect(await claim(5)).toEqual([]);
    });

    it('are lacking in a range until their vector is written', async () => {
      const name = await ready();
      const lacking = async (after: string | null, upTo: string | null): Promise<readonly string[]> =>
        idsOf(await store().collections.readRangeLacking(name, { after, upTo }, NEW.fingerprint));
      expect(await lacking(null, null)).toEqual([]);
      await application().write(name, [
        { id: 'c', text: 'edited' },
        { id: 'a', text: 'edited' },
        { id: 'd', text: 'inserted' },
      ]);
      expect(await lacking(null, null)).toEqual(['a', 'c', 'd']);
      expect(await lacking('a', 'c')).toEqual(['c']);
      const rows = await store().collections.readRangeLacking(name, { after: null, upTo: 'c' }, NEW.fingerprint);
      await store().vectors.writeVectors(name, NEW.fingerprint, vectorsOf(NEW, rows));
      expect(await lacking(null, null)).toEqual(['d']);
      const unknown = () => store().collections.readRangeLacking(name, { after: null, upTo: null }, OTHER.fingerprint);
      expect(await rejection(unknown)).toMatchObject({ code: 'UNKNOWN_SPACE' });
    });

    it('of rows whose searches use the space are told from others', async () => {
      const name = await ready();
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      const claim = { limit: 5, leaseSeconds: 300, of: 'active rows' } as const;
      expect(await store().changes.claimPending(name, NEW.fingerprint, claim)).toEqual([]);
      expect(idsOf(await store().changes.claimPending(name, OLD.fingerprint, claim))).toEqual(['a']);
    });

    it('tell how many wait and for how long', async () => {
      const name = await ready();
      expect(await store().changes.backlog(name, NEW.fingerprint)).toEqual({ pending: 0, oldestSeconds: 0 });
      await application().write(name, [{ id: 'a', text: 'edited' }]);
      await bench.current().pass(0.3);
      await application().write(name, [{ id: 'b', text: 'edited' }]);
      const { pending: waiting, oldestSeconds } = await store().changes.backlog(name, NEW.fingerprint);
      expect(waiting).toBe(2);
      expect(oldestSeconds >= 0.29 && oldestSeconds < 60).toBe(true);
    });

    it('of rows that cannot be embedded are set aside until the row changes', async () => {
      const name = await ready();
      await application().write(name, [
        { id: 'a', text: 'cannot' },
        { id: 'b', text: 'cannot either' },
      ]);
      const rows = await store().changes.readPending(name, OLD.fingerprint, 5);
      await application().write(name, [{ id: 'b', text: 'mended' }]);
      const aside = rows.map(({ id, contentHash }) => ({ id, contentHash, reason: 'no tokens' }));
      await store().changes.setAside(name, OLD.fingerprint, aside);
      expect(await pending(name, OLD.fingerprint)).toEqual(['b']);
      expect(await store().changes.rowsSetAside(name, OLD.fingerprint)).toEqual(aside.filter(({ id }) => id === 'a'));
      expect(await store().changes.rowsSetAside(name, NEW.fingerprint)).toEqual([]);
      await application().write(name, [{ id: 'a', text: 'mended too' }]);
      expect(await pending(name, OLD.fingerprint)).toEqual(['b', 'a']);
      expect(await store().changes.rowsSetAside(name, OLD.fingerprint)).toEqual([]);
    });

    it('end with their row', async () => {
      const name = await ready();
      await application().write(name, [
        { id: 'a', text: 'edited' },
        { id: 'new', text: 'inserted' },
      ]);
      await application().delete(name, ['a', 'b', 'new']);
      for (const { fingerprint } of [OLD, NEW]) {
        expect(await pending(name, fingerprint)).toEqual([]);
        expect(idsOf(await store().vectors.readVectors(name, fingerprint))).toEqual(['c']);
      }
      await application().write(name, [{ id: 'a', text: 'back' }]);
      expect(await pending(name, NEW.fingerprint)).toEqual(['a']);
    });
  });
}
