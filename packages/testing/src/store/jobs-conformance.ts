import type { BackfillJob, KeyRange } from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import {
  type Bench,
  bits,
  migrationWith,
  NEW,
  newVector,
  OLD,
  rowsNamed,
  vectorOf,
  vectorsOf,
} from './store-under-test.js';

const LEASE = 300;
/** Long enough to be seen, short enough to be waited for. */
const SHORT_LEASE = 0.2;
const RANGES: readonly KeyRange[] = [
  { after: null, upTo: 'b' },
  { after: 'b', upTo: 'd' },
  { after: 'd', upTo: null },
];

export function jobsConformance({ describe, it, expect }: TestFunctions, bench: Bench): void {
  const store = () => bench.current().store;
  const started = async (): Promise<{ readonly collection: string; readonly id: string }> => {
    const { collection, migration } = await migrationWith(bench, rowsNamed('a', 'b', 'c', 'd', 'e'));
    await store().jobs.enqueue(migration.id, RANGES);
    return { collection, id: migration.id };
  };
  const claimed = async (id: string, leaseSeconds = LEASE): Promise<BackfillJob> => {
    const job = await store().jobs.claim(id, leaseSeconds);
    if (job === undefined) throw new Error('a job was waiting');
    return job;
  };
  const read = (collection: string) => store().collections.readRange(collection, { after: null, upTo: null });

  describe('jobs', () => {
    it('are taken in order, each once, and counted', async () => {
      const { id } = await started();
      expect(await store().jobs.counts(id)).toEqual({ waiting: 3, active: 0, done: 0, failed: 0 });
      const jobs = [await claimed(id), await claimed(id), await claimed(id)];
      expect(jobs.map(({ range }) => range)).toEqual(RANGES);
      expect(jobs.every(({ migration }) => migration === id)).toBe(true);
      expect(await store().jobs.claim(id, LEASE)).toBe(undefined);
      expect(await store().jobs.counts(id)).toEqual({ waiting: 0, active: 3, done: 0, failed: 0 });
    });

    it('go to one worker each, however many ask at once', async () => {
      const { id } = await started();
      const jobs = await Promise.all(Array.from({ length: 6 }, () => store().jobs.claim(id, LEASE)));
      const taken = jobs.flatMap((job) => (job === undefined ? [] : [job.id]));
      expect(taken.length).toBe(3);
      expect(new Set(taken).size).toBe(3);
    });

    it('of another migration are left alone', async () => {
      const { id } = await started();
      const other = await started();
      await store().jobs.discard(other.id);
      expect(await store().jobs.claim(other.id, LEASE)).toBe(undefined);
      expect((await store().jobs.counts(id)).waiting).toBe(3);
    });

    it('write their vectors and are done in one', async () => {
      const { collection, id } = await started();
      const job = await claimed(id);
      const rows = await store().collections.readRange(collection, job.range);
      await bench.current().application.write(collection, [{ id: 'a', text: 'edited meanwhile' }]);
      expect(await store().jobs.complete(job, vectorsOf(NEW, rows), [])).toEqual({ written: 1, outdated: 1 });
      expect(bits(await store().vectors.readVectors(collection, NEW.fingerprint))).toEqual(
        bits(
          vectorsOf(
            NEW,
            rows.filter(({ id: row }) => row === 'b'),
          ).map((vector) => ({ ...vector, space: NEW.fingerprint })),
        ),
      );
      expect(await store().jobs.counts(id)).toEqual({ waiting: 2, active: 0, done: 1, failed: 0 });
      expect(await store().changes.countPending(collection, NEW.fingerprint)).toBe(1);
    });

    it('tell how many rows are done, and how fast they were', async () => {
      const { collection, id } = await started();
      expect(await store().jobs.progress(id)).toEqual({
        ...{ waiting: 3, active: 0, done: 0, failed: 0 },
        ...{ rows: 0, rowsPerSecond: 0 },
      });
      for (const job of [await claimed(id), await claimed(id)]) {
        const rows = await store().collections.readRange(collection, job.range);
        await bench.current().pass(0.1);
        await store().jobs.complete(job, vectorsOf(NEW, rows), []);
        await bench.current().pass(0.1);
      }
      const { rowsPerSecond, ...progress } = await store().jobs.progress(id);
      expect(progress).toEqual({ waiting: 1, active: 0, done: 2, failed: 0, rows: 4 });
      expect(rowsPerSecond > 0 && rowsPerSecond <= 4 / 0.4).toBe(true);
    });

    it('that are done change nothing when they are completed again', async () => {
      const { collection, id } = await started();
      const job = await claimed(id);
      await store().jobs.complete(job, vectorsOf(NEW, await store().collections.readRange(collection, job.range)), []);
      const before = bits(await store().vectors.readVectors(collection, NEW.fingerprint));
      const others = (await read(collection)).map((row) => ({ ...row, text: 'of another model' }));
      expect(
        await store().jobs.complete(job, vectorsOf(NEW, others), [
          { ...(await newVector(NEW, { id: 'a', text: 'text of a' })), reason: 'late' },
        ]),
      ).toEqual({ written: 0, outdated: 0 });
      expect(bits(await store().vectors.readVectors(collection, NEW.fingerprint))).toEqual(before);
      expect(await store().migrations.poison(id)).toEqual([]);
      expect((await store().jobs.counts(id)).done).toBe(1);
    });

    it('of a worker that died go to another after their lease, and are done once', async () => {
      const { collection, id } = await started();
      const lost = await claimed(id, SHORT_LEASE);
      const kept = await claimed(id);
      await bench.current().pass(SHORT_LEASE * 2);
      const taken = [await claimed(id), await claimed(id)];
      expect(await store().jobs.claim(id, LEASE)).toBe(undefined);
      const again = taken.find(({ range }) => JSON.stringify(range) === JSON.stringify(lost.range));
      expect(again === undefined).toBe(false);
      expect(taken.some((job) => job.id === kept.id)).toBe(false);
      const vectors = vectorsOf(NEW, await store().collections.readRange(collection, lost.range));
      expect(await store().jobs.complete(again ?? lost, vectors, [])).toEqual({ written: 2, outdated: 0 });
      expect(await store().jobs.complete(lost, vectors, [])).toEqual({ written: 0, outdated: 0 });
      expect(await store().jobs.counts(id)).toEqual({ waiting: 0, active: 2, done: 1, failed: 0 });
    });

    it('stay with a worker that renews its lease, and no longer with one whose lease ran out', async () => {
      const { id } = await started();
      const job = await claimed(id, SHORT_LEASE * 2);
      await bench.current().pass(SHORT_LEASE);
      expect(await store().jobs.renew(job, LEASE)).toBe(true);
      await bench.current().pass(SHORT_LEASE * 2);
      const others = [await claimed(id, SHORT_LEASE), await claimed(id)];
      expect(await store().jobs.claim(id, LEASE)).toBe(undefined);
      const [lost] = others;
      if (lost === undefined) throw new Error('a job was waiting');
      await bench.current().pass(SHORT_LEASE * 2);
      const again = await claimed(id);
      expect(again.id).toBe(lost.id);
      expect(await store().jobs.renew(lost, LEASE)).toBe(false);
      expect(await store().jobs.renew(again, LEASE)).toBe(true);
      await store().jobs.complete(again, [], []);
      expect(await store().jobs.renew(again, LEASE)).toBe(false);
    });

    it('that are given back are taken again at once, and given up after the last attempt', async () => {
      const { id } = await started();
      const first = await claimed(id);
      await store().jobs.release(first, 'the model was busy');
      expect((await claimed(id)).range).toEqual(first.range);
      await store().jobs.release(first, 'again');
      for (let attempt = 3; attempt <= bench.attempts; attempt++)
        await store().jobs.release(await claimed(id), `attempt ${attempt}`);
      expect(await store().jobs.counts(id)).toEqual({ waiting: 2, active: 0, done: 0, failed: 1 });
      expect((await claimed(id)).range).toEqual(RANGES[1]);
      await store().jobs.release(first, 'too late');
      expect(await store().jobs.complete(first, [], [])).toEqual({ written: 0, outdated: 0 });
      expect((await store().jobs.counts(id)).failed).toBe(1);
    });

    it('whose vectors are refused stay as they were', async () => {
      const { collection, id } = await started();
      const job = await claimed(id);
      const [good, other] = vectorsOf(NEW, await store().collections.readRange(collection, job.range));
      if (good === undefined || other === undefined) throw new Error('two rows are in the range');
      expect(
        await rejection(() => store().jobs.complete(job, [good, { ...other, dense: vectorOf(OLD, 'x') }], [])),
      ).toMatchObject({ code: 'DIMENSION_MISMATCH' });
      expect(await rejection(() => store().jobs.complete(job, [good, good], []))).toMatchObject({
        code: 'INVALID_ROW',
      });
      expect(await store().jobs.counts(id)).toEqual({ waiting: 2, active: 1, done: 0, failed: 0 });
      expect(await store().vectors.readVectors(collection, NEW.fingerprint)).toEqual([]);
      expect(await store().jobs.complete(job, [good, other], [])).toEqual({ written: 2, outdated: 0 });
    });

    it('note rows that cannot be embedded, which wait no longer', async () => {
      const { collection, id } = await started();
      await bench.current().application.write(collection, [{ id: 'a', text: 'poison' }]);
      const job = await claimed(id);
      const [a, b] = await store().collections.readRange(collection, job.range);
      if (a === undefined || b === undefined) throw new Error('two rows are in the range');
      await store().jobs.complete(job, vectorsOf(NEW, [b]), [
        { id: a.id, contentHash: a.contentHash, reason: 'no tokens' },
      ]);
      expect(await store().migrations.poison(id)).toEqual([
        { id: 'a', contentHash: a.contentHash, reason: 'no tokens', space: NEW.fingerprint, excused: 'no' },
      ]);
      expect(await store().changes.countPending(collection, NEW.fingerprint)).toBe(0);
    });

    it('can be discarded and queued anew, and are refused for a migration that is not there', async () => {
      const { id } = await started();
      const job = await claimed(id);
      await store().jobs.discard(id);
      await store().jobs.discard(id);
      expect(await store().jobs.counts(id)).toEqual({ waiting: 0, active: 0, done: 0, failed: 0 });
      expect(await store().jobs.complete(job, [], [])).toEqual({ written: 0, outdated: 0 });
      await store().jobs.enqueue(id, []);
      await store().jobs.enqueue(id, RANGES.slice(0, 1));
      expect((await claimed(id)).range).toEqual(RANGES[0]);
      const calls = [
        () => store().jobs.enqueue('nobody', RANGES),
        () => store().jobs.claim('nobody', LEASE),
        () => store().jobs.counts('nobody'),
        () => store().jobs.discard('nobody'),
        () => store().jobs.complete({ ...job, migration: 'nobody' }, [], []),
      ];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'UNKNOWN_MIGRATION', migration: 'nobody' });
    });
  });
}
