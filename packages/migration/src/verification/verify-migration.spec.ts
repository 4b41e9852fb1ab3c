import { describe, expect, it } from '@jest/globals';
import { MigrationStateError } from '@kimera/core';
import { FakeEmbedder } from '@kimera/testing';
import { AcceptanceError, BackfillIncompleteError, cutOver, migrationStatus, verifyMigration, work } from '../index.js';
import {
  COLLECTION,
  expectedVectors,
  journey,
  queries,
  started,
  state,
  TARGET_SPACE,
  vectors,
  type Journey,
} from '../journey.fixture.js';

describe('verification', () => {
  it('catches the vectors of another model under the expected fingerprint, which every structural check passes', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    const impostor = new FakeEmbedder({ space: TARGET_SPACE, shift: 11 });
    for (const vector of await expectedVectors(parts, impostor))
      await parts.store.damage(COLLECTION, TARGET_SPACE.fingerprint, vector);
    const { verdict, checks } = await verifyMigration(parts, { queries: queries(50) });
    expect(verdict).toBe('NO-GO');
    expect(checks.filter(({ holds }) => !holds).map(({ name }) => name)).toEqual([
      'vectors embedded again',
      'known answers',
    ]);
    expect(await state(parts)).toBe('verifying');
    await expect(cutOver(parts)).rejects.toBeInstanceOf(MigrationStateError);
  });

  it.each([
    ['two rows swapped', 'vectors embedded again', (all: readonly Float32Array[]) => [all[1], all[0]]],
    [
      'a forgotten normalisation',
      'vectors embedded again',
      (all: readonly Float32Array[]) => [all[0]?.map((value) => value * 2), all[1]],
    ],
    ['a wrong direction', 'known answers', (all: readonly Float32Array[]) => [all[0]?.map((value) => -value), all[1]]],
  ])('catches %s', async (_what, check, change) => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    const all = await vectors(parts, TARGET_SPACE.fingerprint);
    for (const [i, dense] of change(all.map((vector) => vector.dense)).entries()) {
      const vector = all[i];
      if (vector !== undefined && dense !== undefined)
        await parts.store.damage(COLLECTION, TARGET_SPACE.fingerprint, { ...vector, dense });
    }
    const { verdict, checks } = await verifyMigration(parts, { queries: queries(50) });
    expect(verdict).toBe('NO-GO');
    expect(checks.filter(({ holds }) => !holds).map(({ name }) => name)).toContain(check);
  });

  it.each([
    ['another fingerprint', { space: 'f'.repeat(64) }, 'well-formed and stamped'],
    ['a NaN', { dense: new Float32Array(48).fill(NaN) }, 'well-formed and stamped'],
    ['a former text', { contentHash: '0'.repeat(64) }, 'vectors of former texts'],
  ])('catches %s', async (_what, damage, check) => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    const [vector] = await vectors(parts, TARGET_SPACE.fingerprint);
    if (vector !== undefined) await parts.store.damage(COLLECTION, TARGET_SPACE.fingerprint, { ...vector, ...damage });
    const { verdict, checks } = await verifyMigration(parts, { queries: queries(50) });
    expect(verdict).toBe('NO-GO');
    expect(checks.filter(({ holds }) => !holds).map(({ name }) => name)).toContain(check);
  });

  it('says NO-GO to a worse model, and no words change that', async () => {
    // A model that hears only the first letter.
    const deaf = (words: string): Float32Array =>
      Float32Array.from({ length: 48 }, (_, i) => (i === words.charCodeAt(0) % 48 ? 1 : 0));
    const parts = await started(await journey({ target: { dense: deaf } }));
    await work(parts, { until: 'caught-up' });
    const verification = await verifyMigration(parts, { queries: queries(100) });
    expect(verification.verdict).toBe('NO-GO');
    expect(verification.gate?.p95).toBeLessThan(-0.02);
    await expect(verifyMigration(parts, { queries: queries(100), accept: 'I like it' })).rejects.toBeInstanceOf(
      AcceptanceError,
    );
    await expect(cutOver(parts)).rejects.toBeInstanceOf(MigrationStateError);
    expect((await migrationStatus(parts)).events.at(-1)).toMatchObject({
      event: 'verdict',
      figures: { verdict: 'NO-GO' },
    });
  });

  it('does not take a row that is edited meanwhile for a lost one', async () => {
    const parts = await started(await journey({ rows: 40 }));
    await work(parts, { until: 'caught-up' });
    let edited = 0;
    const racing: Journey = {
      ...parts,
      // Between the sample and its searches.
      target: new FakeEmbedder({
        space: TARGET_SPACE,
        shift: 3,
        before: async () => {
          if (edited++ > 0) return;
          await parts.store.writeAsApplication(COLLECTION, [
            { id: 'r00004', text: 'quite another text, edited just now' },
          ]);
        },
      }),
    };
    const { checks } = await verifyMigration(racing, { queries: [] });
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(edited).toBeGreaterThan(0);
  });

  it('is INCONCLUSIVE without judged queries unless the operator accepts in writing', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    expect(await verifyMigration(parts)).toMatchObject({ verdict: 'INCONCLUSIVE', gate: null, accepted: null });
    await expect(cutOver(parts)).rejects.toBeInstanceOf(MigrationStateError);
    await expect(verifyMigration(parts, { accept: '  ' })).rejects.toBeInstanceOf(AcceptanceError);
    expect(await verifyMigration(parts, { accept: 'tried by hand' })).toMatchObject({
      verdict: 'INCONCLUSIVE',
      accepted: 'tried by hand',
    });
    await cutOver(parts);
    expect((await migrationStatus(parts)).events.some(({ figures }) => figures['accepted'] === 'tried by hand')).toBe(
      true,
    );
  });

  it('says how many judged queries were cut in each space', async () => {
    const parts = await started(await journey({ target: { space: { ...TARGET_SPACE, maxTokens: 20 } } }));
    await work(parts, { until: 'caught-up' });
    const lengths = queries(90).map(({ text: query }) => query.length + 1);
    const { quality } = await verifyMigration(parts, { queries: queries(90) });
    expect(quality?.cut).toEqual({ source: 0, target: lengths.filter((tokens) => tokens > 20).length });
    expect(quality?.cut.target).toBeGreaterThan(10);
  });

  it('waits for the backfill', async () => {
    const parts = await started(await journey());
    await expect(verifyMigration(parts)).rejects.toBeInstanceOf(BackfillIncompleteError);
  });
});
