import { describe, expect, it } from '@jest/globals';
import { contentHash, MigrationStateError } from '@kimera/core';
import { DEFAULT_MARGIN } from '@kimera/evaluation';
import { FakeEmbedder, type FakeEmbedderCall } from '@kimera/testing';
import {
  cutOver,
  MarginFixedError,
  migrationStatus,
  planMigration,
  startMigration,
  verifyMigration,
  work,
  type JudgedQuery,
} from '../index.js';
import { ENOUGH, journey, queries, started, state, TARGET_SPACE, type Journey } from '../journey.fixture.js';

async function caughtUp(parts: Journey): Promise<Journey> {
  await started(parts);
  await work(parts, { until: 'caught-up' });
  return parts;
}
/** Counts the queries that are embedded, by both models. */
async function counting(): Promise<{ readonly parts: Journey; readonly asked: () => number }> {
  let asked = 0;
  const before = ({ texts, role }: FakeEmbedderCall): Promise<void> => {
    if (role === 'query') asked += texts.length;
    return Promise.resolve();
  };
  return { parts: await caughtUp(await journey({ source: { before }, target: { before } })), asked: () => asked };
}

describe('looks', () => {
  it('count each query once a migration, and embed only those that are new', async () => {
    const { parts, asked } = await counting();
    const first = await verifyMigration(parts, { queries: queries(40) });
    expect(first).toMatchObject({
      verdict: 'INCONCLUSIVE',
      quality: { look: 1, queries: 40, added: 40, known: 0, changed: 0, repeated: 0 },
      gate: { looks: 1, queries: 40 },
    });
    expect(asked()).toBe(80);
    expect(first.gate?.neededQueries).toBeGreaterThan(150);

    const second = await verifyMigration(parts, { queries: queries(ENOUGH) });
    expect(second).toMatchObject({
      verdict: 'GO',
      quality: { look: 2, queries: ENOUGH, added: ENOUGH - 40, known: 40 },
      gate: { looks: 2, decidedBy: 'not-worse' },
    });
    expect(asked()).toBe(2 * ENOUGH);
    expect(second.reason).toContain('at look 2');

    // Nothing new: no look, nothing embedded, the verdict stands on what was counted.
    const third = await verifyMigration(parts, { queries: queries(40) });
    expect(third).toMatchObject({ verdict: 'GO', quality: { look: 2, queries: ENOUGH, added: 0, known: 40 } });
    expect(third.gate).toEqual(second.gate);
    expect(await verifyMigration(parts)).toMatchObject({ verdict: 'GO', gate: second.gate });
    expect(asked()).toBe(2 * ENOUGH);
    const verdicts = (await migrationStatus(parts)).events.filter(({ event }) => event === 'verdict');
    expect(verdicts.map(({ figures }) => [figures['look'], figures['added'], figures['counted']])).toEqual([
      [1, 40, 40],
      [2, ENOUGH - 40, ENOUGH],
      [2, 0, ENOUGH],
      [2, 0, ENOUGH],
    ]);
  });

  it('take the queries of one look in the order of their hashes, whatever the order of the file, after those of looks before', async () => {
    const parts = await caughtUp(await journey());
    await verifyMigration(parts, { queries: queries(10) });
    await verifyMigration(parts, { queries: [...queries(50)].reverse() });
    const counted = await parts.store.migrations.judgedQueries(
      (await parts.store.migrations.latestMigration(parts.collection)).id,
    );
    expect(counted.map(({ look }) => look)).toEqual([
      ...new Array<number>(10).fill(1),
      ...new Array<number>(40).fill(2),
    ]);
    const hashes = counted.map(({ hash }) => hash);
    for (const look of [hashes.slice(0, 10), hashes.slice(10)]) expect(look).toEqual([...look].sort());
    expect(new Set(hashes.slice(0, 10))).toEqual(
      new Set(await Promise.all(queries(10).map(({ text }) => contentHash(text)))),
    );
  });

  it('count a text once where a file has it twice, and keep the first judgements where they change', async () => {
    const parts = await caughtUp(await journey());
    const [one, two, three] = queries(3) as [JudgedQuery, JudgedQuery, JudgedQuery];
    const first = await verifyMigration(parts, { queries: [one, { ...one, relevant: two.relevant }, two] });
    expect(first.quality).toMatchObject({ queries: 2, added: 2, repeated: 1, target: 1 });
    const worse = { ...one, relevant: three.relevant };
    const graded = { ...two, relevant: { ...two.relevant, r00050: 1 } };
    const second = await verifyMigration(parts, { queries: [worse, graded, three] });
    expect(second.quality).toMatchObject({ queries: 3, added: 1, known: 2, changed: 2, target: 1 });
  });

  it('are not made of vectors that are not right: such queries are counted once the vectors are', async () => {
    const parts = await caughtUp(await journey());
    const impostor = { ...parts, target: new FakeEmbedder({ space: TARGET_SPACE, shift: 11 }) };
    expect(await verifyMigration(impostor, { queries: queries(ENOUGH) })).toMatchObject({
      verdict: 'NO-GO',
      gate: null,
      quality: null,
    });
    expect(await verifyMigration(parts, { queries: queries(ENOUGH) })).toMatchObject({
      verdict: 'GO',
      quality: { look: 1, added: ENOUGH },
    });
  });

  it('that turn a GO show it: the migration is not ready any more', async () => {
    const parts = await caughtUp(await journey());
    await verifyMigration(parts, { queries: queries(ENOUGH) });
    expect(await state(parts)).toBe('ready');
    // Queries that only the old space answers: of the new one they ask for rows that are never the nearest.
    const turned = queries(2 * ENOUGH)
      .slice(ENOUGH)
      .map((query): JudgedQuery => ({ ...query, text: `z${query.text}` }));
    const deaf = { ...parts, target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3 }) };
    const encode = deaf.target.encodeBatch.bind(deaf.target);
    deaf.target.encodeBatch = (texts, options) =>
      encode(options?.role === 'query' ? texts.map(() => 'all alike') : texts, options);
    const verification = await verifyMigration(deaf, { queries: turned });
    expect(verification).toMatchObject({ verdict: 'INCONCLUSIVE', quality: { look: 2 }, gate: { decidedBy: null } });
    expect(verification.reason).toMatch(/"not worse" was reached after \d+ queries, at look 1/);
    expect(await state(parts)).toBe('verifying');
    await expect(cutOver(parts)).rejects.toBeInstanceOf(MigrationStateError);
  });
});

describe('the margin', () => {
  it('is that of the plan, in every verification; another one is refused before anything is done', async () => {
    const parts = await journey();
    const { plan } = await planMigration(parts, { margin: 0.05 });
    expect(plan).toMatchObject({ margin: 0.05 });
    // The last plan counts.
    await planMigration(parts, { margin: 0.1 });
    await startMigration(parts, { rowsPerJob: 16 });
    await work(parts, { until: 'caught-up' });
    await expect(verifyMigration(parts, { queries: queries(60), margin: 0.05 })).rejects.toMatchObject({
      code: 'MARGIN_FIXED',
      fixed: 0.1,
      asked: 0.05,
    });
    expect(await state(parts)).toBe('backfilling');
    expect(await verifyMigration(parts, { queries: queries(60) })).toMatchObject({
      verdict: 'GO',
      gate: { margin: 0.1 },
    });
    expect(await verifyMigration(parts, { margin: 0.1 })).toMatchObject({ verdict: 'GO', gate: { margin: 0.1 } });
  });

  it('of a migration that was planned without one is that of its first verification', async () => {
    const parts = await journey();
    const { id } = await parts.store.migrations.createMigration(parts.collection, TARGET_SPACE, 'an older program', {});
    await startMigration(parts, { rowsPerJob: 16 });
    await work(parts, { until: 'caught-up' });
    expect((await verifyMigration(parts, { queries: queries(40), margin: 0.07 })).gate?.margin).toBe(0.07);
    await expect(verifyMigration(parts, { margin: DEFAULT_MARGIN })).rejects.toBeInstanceOf(MarginFixedError);
    expect((await verifyMigration(parts)).gate?.margin).toBe(0.07);
    expect((await parts.store.migrations.events(id)).filter(({ event }) => event === 'verify')).toHaveLength(2);
  });

  it('sets the queries that a plan advises, and what it costs to ask again', async () => {
    const { plan } = await planMigration(await journey());
    expect(plan).toMatchObject({ margin: 0.02, judgedQueries: 2_249, judgedQueriesAtOneLook: 1_618, leastQueries: 30 });
    expect(plan.judgedQueriesOfHalf).toBeLessThan(plan.judgedQueriesAtOneLook);
    const { plan: wider } = await planMigration(await journey(), { margin: 0.04 });
    expect(wider.judgedQueries).toBeLessThan(plan.judgedQueries / 3);
  });
});
