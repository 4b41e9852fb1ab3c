import { describe, expect, it } from '@jest/globals';
import {
  DimensionTooLargeError,
  MigrationStateError,
  MigrationUnderWayError,
  NoMigrationError,
  SpaceMismatchError,
  UnknownCollectionError,
} from '@kimera/core';
import { FakeEmbedder } from '@kimera/testing';
import fc from 'fast-check';
import {
  cutOver,
  EmbedderBrokenError,
  measurePlan,
  migrationStatus,
  NotEnoughRoomError,
  pauseMigration,
  planMigration,
  PoisonRowsError,
  resumeMigration,
  retireMigration,
  rollBack,
  SameSpaceError,
  startMigration,
  verifyMigration,
  work,
} from './index.js';
import {
  active,
  COLLECTION,
  ENOUGH,
  expectedVectors,
  journey,
  queries,
  ready,
  SOURCE_SPACE,
  started,
  state,
  TARGET_SPACE,
  text,
  upsert,
  vectors,
  type Journey,
} from './journey.fixture.js';

describe('the journey', () => {
  it('moves a collection that is written all the while, and rolls back exactly', async () => {
    const parts = await journey();
    const before = await vectors(parts, SOURCE_SPACE.fingerprint);
    const { plan } = await planMigration(parts);
    expect(plan).toMatchObject({
      rows: 100,
      sampledRows: 100,
      source: { dimension: 32 },
      target: { dimension: 48, truncatedShare: 0 },
    });
    expect(plan.judgedQueries).toBeGreaterThan(100);

    await startMigration(parts, { rowsPerJob: 16 });
    await upsert(parts, parts.source, [
      { id: 'r00003', text: 'edited by the application' },
      { id: 'new', text: 'inserted by the application' },
    ]);
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00050', text: 'edited by plain SQL' }]);
    await parts.store.deleteAsApplication(COLLECTION, ['r00099']);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ ended: 'caught-up', jobs: 7, poison: 0 });
    await upsert(parts, parts.source, [{ id: 'r00004', text: 'edited after its job' }]);
    await parts.store.deleteAsApplication(COLLECTION, ['r00005']);
    await work(parts, { until: 'caught-up' });
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.target));

    const verification = await verifyMigration(parts, { queries: queries(ENOUGH) });
    expect(verification).toMatchObject({
      verdict: 'GO',
      accepted: null,
      quality: { metric: 'nDCG@10', queries: ENOUGH },
    });
    expect(verification.checks.every(({ holds }) => holds)).toBe(true);
    expect(await state(parts)).toBe('ready');

    await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00006', text: 'edited just before the cutover' }]);
    await cutOver(parts);
    expect(await active(parts)).toBe(TARGET_SPACE.fingerprint);
    const [query] = await parts.source.encodeBatch([text(7)], { role: 'query' });
    await expect(
      parts.store.search.search(
        COLLECTION,
        { space: SOURCE_SPACE.fingerprint, dense: query?.dense ?? new Float32Array() },
        { limit: 1 },
      ),
    ).rejects.toBeInstanceOf(SpaceMismatchError);

    await upsert(parts, parts.target, [
      { id: 'r00008', text: 'edited after the cutover' },
      { id: 'late', text: 'inserted after the cutover' },
    ]);
    await parts.store.deleteAsApplication(COLLECTION, ['r00009']);
    await rollBack(parts);
    expect(await active(parts)).toBe(SOURCE_SPACE.fingerprint);
    const after = await vectors(parts, SOURCE_SPACE.fingerprint);
    expect(after).toEqual(await expectedVectors(parts, parts.source));
    const touched = ['r00003', 'r00004', 'r00005', 'r00006', 'r00008', 'r00009', 'r00050', 'r00099'];
    const kept = new Map(after.map((vector) => [vector.id, vector]));
    for (const { id, dense } of before.filter((vector) => !touched.includes(vector.id)))
      expect(kept.get(id)?.dense).toEqual(dense);

    // The queries that were counted before the cutover still count.
    expect(await verifyMigration(parts)).toMatchObject({
      verdict: 'GO',
      quality: { look: 1, queries: ENOUGH, added: 0 },
    });
    await cutOver(parts);
    await retireMigration(parts);
    expect(await parts.store.vectors.spaces(COLLECTION)).toEqual([TARGET_SPACE]);
    const { events } = await migrationStatus(parts);
    expect(events.map(({ event }) => event)).toEqual([
      'plan',
      'start',
      'verify',
      'verdict',
      'cutover',
      'rollback',
      'verify',
      'verdict',
      'cutover',
      'retire',
    ]);
    expect(events.every(({ by }) => by === 'spec')).toBe(true);
  });

  it('loses nothing under any order of writes, deletes, workers that stop and jobs that are dropped', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), id: fc.nat(30), words: fc.nat(500) }),
      fc.record({ kind: fc.constant('upsert' as const), id: fc.nat(40), words: fc.nat(500) }),
      fc.record({ kind: fc.constant('delete' as const), id: fc.nat(30) }),
      fc.record({ kind: fc.constant('kill' as const) }),
      fc.record({ kind: fc.constant('work' as const), batches: fc.integer({ min: 1, max: 3 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        let now = 0;
        const parts = await started(await journey({ rows: 30, store: { now: () => now } }), 4);
        for (const each of steps) {
          now += 1_000;
          if (each.kind === 'write')
            await parts.store.writeAsApplication(COLLECTION, [
              { id: `r${String(each.id).padStart(5, '0')}`, text: text(each.words) },
            ]);
          if (each.kind === 'upsert')
            await upsert(parts, parts.source, [{ id: `r${String(each.id).padStart(5, '0')}`, text: text(each.words) }]);
          if (each.kind === 'delete')
            await parts.store.deleteAsApplication(COLLECTION, [`r${String(each.id).padStart(5, '0')}`]);
          // A worker that took a job and died: nobody gives it back.
          if (each.kind === 'kill')
            await parts.store.jobs.claim((await parts.store.migrations.latestMigration(COLLECTION)).id, 2);
          if (each.kind === 'work') {
            const controller = new AbortController();
            let batches = 0;
            await work(parts, {
              until: 'caught-up',
              leaseSeconds: 2,
              pollMilliseconds: 0,
              signal: controller.signal,
              onProgress: () => ++batches >= each.batches && controller.abort(),
            });
          }
          now += 3_000;
        }
        now += 10_000;
        await work(parts, { until: 'caught-up', leaseSeconds: 2, pollMilliseconds: 0 });
        expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.target));
        expect(await vectors(parts, SOURCE_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.source));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a worker', () => {
  it('counts the texts that its model cut, of jobs and of changes, and marks their vectors', async () => {
    const short = { ...TARGET_SPACE, maxTokens: 40 };
    const parts = await started(await journey({ rows: 10, target: { space: short } }));
    await parts.store.writeAsApplication(COLLECTION, [
      { id: 'r00003', text: 'x'.repeat(39) },
      { id: 'r00004', text: 'x'.repeat(40) },
    ]);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ ended: 'caught-up', truncated: 1 });
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'late', text: 'y'.repeat(99) }]);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ changes: 2, truncated: 2 });
    expect((await vectors(parts, short.fingerprint)).filter(({ truncated }) => truncated).map(({ id }) => id)).toEqual([
      'late',
      'r00004',
    ]);
    expect((await migrationStatus(parts)).target).toMatchObject({ truncated: 2 });
  });

  it('stores the tokenizer revision of each embedding, of jobs and of changes', async () => {
    const parts = await started(await journey({ rows: 3, target: { tokenizerRevision: 2 } }));
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'late', text: 'a change' }]);
    await work(parts, { until: 'caught-up' });
    const revisions = async (space: string): Promise<readonly number[]> =>
      (await vectors(parts, space)).map(({ tokenizerRevision }) => tokenizerRevision);
    expect(await revisions(TARGET_SPACE.fingerprint)).toEqual([2, 2, 2, 2]);
    expect(await revisions(SOURCE_SPACE.fingerprint)).toEqual([1, 1, 1, 1]);
  });

  it('does not overwrite an edit that comes while it embeds', async () => {
    const parts = await journey({ rows: 10 });
    let edited = false;
    const racing: Journey = {
      ...parts,
      target: new FakeEmbedder({
        space: TARGET_SPACE,
        before: async ({ texts }) => {
          if (edited || !texts.includes(text(4))) return;
          edited = true;
          await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00004', text: 'newer' }]);
          await parts.store.deleteAsApplication(COLLECTION, ['r00005']);
        },
      }),
    };
    await planMigration(parts);
    await startMigration(parts);
    expect(await work(racing, { until: 'caught-up' })).toMatchObject({ outdated: 2 });
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, racing.target));
  });

  it('isolates poison rows, which block the cutover until they are excused or changed', async () => {
    const poison = (words: string): Error | undefined =>
      words === text(33) || words === text(71) ? new RangeError('cannot be embedded') : undefined;
    const parts = await started(await journey({ target: { poison } }));
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ ended: 'caught-up', written: 98, poison: 2 });
    await expect(verifyMigration(parts)).rejects.toMatchObject({
      code: 'POISON_ROWS',
      fields: { ids: ['r00033', 'r00071'] },
    });
    await expect(verifyMigration(parts)).rejects.toBeInstanceOf(PoisonRowsError);
    const { id } = await parts.store.migrations.latestMigration(COLLECTION);
    await parts.store.migrations.excuse(id, 'spec', ['r00033']);
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00071', text: 'mended' }]);
    await work(parts, { until: 'caught-up' });
    expect(
      (
        await verifyMigration(parts, {
          queries: queries(ENOUGH).filter(({ relevant }) => !('r00033' in relevant || 'r00071' in relevant)),
        })
      ).verdict,
    ).toBe('GO');
    await cutOver(parts);
    expect(await active(parts)).toBe(TARGET_SPACE.fingerprint);
  });

  it('gives its job back where the model fails on everything', async () => {
    let broken = false;
    const parts = await started(
      await journey({ target: { poison: () => (broken ? new Error('out of order') : undefined) } }),
    );
    broken = true;
    await expect(work(parts, { until: 'caught-up' })).rejects.toBeInstanceOf(EmbedderBrokenError);
    const { id } = await parts.store.migrations.latestMigration(COLLECTION);
    expect(await parts.store.jobs.counts(id)).toMatchObject({ active: 0, done: 0 });
    broken = false;
    await work(parts, { until: 'caught-up' });
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toHaveLength(100);
  });

  it('stops at a pause and goes on after it', async () => {
    const parts = await started(await journey());
    await pauseMigration(parts);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ ended: 'paused', jobs: 0 });
    await resumeMigration(parts);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ ended: 'caught-up', jobs: 7 });
  });

  it('ends when another process retires the migration', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    const following = work(parts, { until: 'retired', pollMilliseconds: 1 });
    await retireMigration(parts);
    expect((await following).ended).toBe('retired');
    expect(await parts.store.vectors.spaces(COLLECTION)).toEqual([SOURCE_SPACE]);
  });

  it('keeps the old space current after the cutover', async () => {
    const parts = await ready(await journey());
    await cutOver(parts);
    await upsert(parts, parts.target, [{ id: 'r00001', text: 'changed in the new world' }]);
    expect(await parts.store.changes.countPending(COLLECTION, SOURCE_SPACE.fingerprint)).toBe(1);
    expect(await work(parts, { until: 'caught-up' })).toMatchObject({ changes: 1 });
    expect(await vectors(parts, SOURCE_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.source));
  });
});

describe('refusals', () => {
  it('plans nothing that cannot be', async () => {
    const parts = await journey();
    await expect(measurePlan({ ...parts, target: parts.source })).rejects.toBeInstanceOf(SameSpaceError);
    await expect(
      measurePlan({
        ...parts,
        source: parts.target,
        target: new FakeEmbedder({ space: { ...TARGET_SPACE, fingerprint: 'e'.repeat(64) } }),
      }),
    ).rejects.toBeInstanceOf(SpaceMismatchError);
    await expect(
      measurePlan({ ...parts, target: new FakeEmbedder({ space: { ...TARGET_SPACE, dimension: 16_001 } }) }),
    ).rejects.toBeInstanceOf(DimensionTooLargeError);
    await expect(measurePlan({ ...parts, collection: 'none' })).rejects.toBeInstanceOf(UnknownCollectionError);
    await expect(parts.store.migrations.latestMigration(COLLECTION)).rejects.toBeInstanceOf(NoMigrationError);
  });

  it('names what is possible, and for a retired migration that nothing is', async () => {
    const parts = await started(await journey({ rows: 4 }), 4);
    await pauseMigration(parts);
    await expect(verifyMigration(parts)).rejects.toThrow(
      /is paused: verify is possible where it is backfilling or verifying or ready or rolled-back$/,
    );
    await retireMigration(parts);
    await expect(verifyMigration(parts)).rejects.toThrow(
      /is retired and stays as it is: verify is for another one, plan it first$/,
    );
  });

  it('starts nothing that does not fit', async () => {
    const parts = await journey({ store: { freeBytes: 1_000 } });
    await planMigration(parts);
    await expect(startMigration(parts)).rejects.toBeInstanceOf(NotEnoughRoomError);
    expect(await state(parts)).toBe('planned');
    expect(await parts.store.vectors.spaces(COLLECTION)).toEqual([SOURCE_SPACE]);
  });

  it('has one migration at a time; planning again replaces a plan', async () => {
    const parts = await journey();
    const other = new FakeEmbedder({ space: { ...TARGET_SPACE, fingerprint: 'e'.repeat(64) } });
    const { migration } = await planMigration(parts);
    expect((await planMigration(parts)).migration.id).toBe(migration.id);
    expect((await planMigration({ ...parts, target: other })).migration.id).not.toBe(migration.id);
    await startMigration({ ...parts, target: other });
    await expect(planMigration(parts)).rejects.toBeInstanceOf(MigrationUnderWayError);
    await expect(work(parts, { until: 'caught-up' })).rejects.toBeInstanceOf(SpaceMismatchError);
    await retireMigration(parts);
    await started(parts);
    expect(await state(parts)).toBe('backfilling');
  });

  it.each(['work', 'pause', 'resume', 'verify', 'cutover', 'rollback'] as const)(
    '%s is refused on a plan',
    async (action) => {
      const parts = await journey();
      await planMigration(parts);
      const actions = {
        work: () => work(parts, { until: 'caught-up' }),
        pause: () => pauseMigration(parts),
        resume: () => resumeMigration(parts),
        verify: () => verifyMigration(parts),
        cutover: () => cutOver(parts),
        rollback: () => rollBack(parts),
      };
      await expect(actions[action]()).rejects.toBeInstanceOf(MigrationStateError);
      expect(await state(parts)).toBe('planned');
    },
  );

  it('start is refused twice, cutover before a verdict, rollback before a cutover, anything after the end', async () => {
    const parts = await started(await journey());
    await expect(startMigration(parts)).rejects.toBeInstanceOf(MigrationStateError);
    await expect(cutOver(parts)).rejects.toBeInstanceOf(MigrationStateError);
    await expect(rollBack(parts)).rejects.toBeInstanceOf(MigrationStateError);
    await retireMigration(parts);
    await retireMigration(parts);
    await expect(startMigration(parts)).rejects.toBeInstanceOf(MigrationStateError);
    await expect(verifyMigration(parts)).rejects.toBeInstanceOf(MigrationStateError);
  });
});

it('a plan says which rows of its sample cannot be embedded', async () => {
  const parts = await journey({
    rows: 20,
    target: { poison: (words) => (words === text(7) ? new RangeError('cannot be embedded') : undefined) },
  });
  expect((await measurePlan(parts)).target.cannotEmbed).toEqual(['r00007']);
});

it('vectors that are not finite are poison, vectors of another space are never taken', async () => {
  const nan = await started(
    await journey({ rows: 5, target: { dense: (words) => new Float32Array(48).fill(words === text(2) ? NaN : 1) } }),
  );
  expect(await work(nan, { until: 'caught-up' })).toMatchObject({ written: 4, poison: 1 });
  const other = new FakeEmbedder({ space: SOURCE_SPACE });
  const lying: Journey = {
    ...(await started(await journey({ rows: 5 }))),
    target: {
      space: TARGET_SPACE,
      encodeText: (words, options) => other.encodeText(words, options),
      encodeBatch: (words, options) => other.encodeBatch(words, options),
    },
  };
  await expect(work(lying, { until: 'caught-up' })).rejects.toBeInstanceOf(SpaceMismatchError);
  expect(await vectors(lying, TARGET_SPACE.fingerprint)).toEqual([]);
});
