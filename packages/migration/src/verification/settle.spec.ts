import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { Backlog } from '@kimera/core';
import { FakeEmbedder } from '@kimera/testing';
import { ChangesWaitingError, migrationStatus, verifyMigration, work } from '../index.js';
import {
  COLLECTION,
  ENOUGH,
  journey,
  queries,
  SOURCE_SPACE,
  started,
  state,
  TARGET_SPACE,
  upsert,
  type Journey,
} from '../journey.fixture.js';

const edits = (count: number, what: string) =>
  Array.from({ length: count }, (_, i) => ({ id: `edited ${i}`, text: `${what} ${i}` }));

describe('changes that wait', () => {
  it('are embedded first, with progress, and never make a NO-GO', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    await parts.store.writeAsApplication(COLLECTION, edits(60, 'an edit'));
    const seen: string[] = [];
    const verification = await verifyMigration(parts, {
      queries: queries(ENOUGH),
      onProgress: (step, done, total) => seen.push(`${step}: ${done} of ${total}`),
    });
    expect(verification.verdict).toBe('GO');
    expect(seen[0]).toBe('changes that wait: 0 of 60');
    expect(await parts.store.changes.countPending(COLLECTION, TARGET_SPACE.fingerprint)).toBe(0);
  });

  it('that still wait at the end of the time end it, say how many, and leave the state', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    await verifyMigration(parts, { queries: queries(ENOUGH) });
    // As many new changes with every batch that is embedded.
    let writes = 0;
    // Node may collect a signal with a time that only AbortSignal.any holds, and then it never fires.
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const before = async (): Promise<void> => {
      await turn();
      collectGarbage();
      await parts.store.writeAsApplication(COLLECTION, edits(20, `edit ${writes++}`));
    };
    const busy: Journey = { ...parts, target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3, before }) };
    await before();
    const events = (await migrationStatus(parts)).events.length;
    const error = await verifyMigration(busy, { settleSeconds: 0.4 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChangesWaitingError);
    expect(error).toMatchObject({
      code: 'CHANGES_WAITING',
      kind: 'retryable',
      waiting: { pending: 20, allowed: 1, allowedFresh: 6, seconds: 0.4 },
    });
    expect(writes).toBeGreaterThan(1);
    expect(await state(parts)).toBe('ready');
    expect((await migrationStatus(parts)).events.length).toBe(events);
  });

  it('that writers make with every batch are judged beside, where they are few and fresh', async () => {
    const parts = await started(await journey({ rows: 400 }));
    await work(parts, { until: 'caught-up' });
    const before = (): Promise<void> => parts.store.writeAsApplication(COLLECTION, edits(15, `edit ${writes++}`));
    let writes = 0;
    const busy: Journey = { ...parts, target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3, before }) };
    await before();
    expect((await verifyMigration(busy, { queries: queries(ENOUGH), settleSeconds: 5 })).verdict).toBe('GO');
    expect(writes).toBeGreaterThan(1);
    expect(await parts.store.changes.countPending(COLLECTION, TARGET_SPACE.fingerprint)).toBe(15);
  });

  it('that are few but have waited long are waited for', async () => {
    const parts = await started(await journey({ rows: 400 }));
    await work(parts, { until: 'caught-up' });
    const backlog = async (): Promise<Backlog> => ({ pending: 15, oldestSeconds: 2.5 });
    const store = Object.assign(Object.create(parts.store) as typeof parts.store, {
      changes: { ...parts.store.changes, backlog },
    });
    await expect(verifyMigration({ ...parts, store }, { settleSeconds: 0.3 })).rejects.toThrow(
      '15 changes still wait to be embedded in the new space after 0.3 s, the oldest for 2.5 s; at most 4 may, or 20 that wait for less than 2 s',
    );
  });

  it('are not waited for any longer once the caller stops', async () => {
    const parts = await started(await journey());
    await work(parts, { until: 'caught-up' });
    await parts.store.writeAsApplication(COLLECTION, edits(60, 'an edit'));
    await expect(verifyMigration(parts, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    );
  });

  it('of writers at work never make a NO-GO, whatever is written between any two steps', async () => {
    let state32 = 5;
    const next = (below: number): number => (state32 = (state32 * 48_271) % 2_147_483_647) % below;
    const outcomes: string[] = [];
    for (let round = 0; round < 12; round++) {
      const parts = await started(await journey());
      await work(parts, { until: 'caught-up' });
      let writes = 0;
      const racing = async (): Promise<void> => {
        await turn();
        if (next(3) > 0) return;
        writes += 1;
        const id = `r${String(next(100)).padStart(5, '0')}`;
        if (next(4) === 0) await parts.store.deleteAsApplication(COLLECTION, [id]);
        else if (next(2) === 0) await parts.store.writeAsApplication(COLLECTION, [{ id, text: `edit ${next(1_000)}` }]);
        else await upsert(parts, parts.source, [{ id: `new ${next(1_000)}`, text: `insert ${next(1_000)}` }]);
      };
      const search = parts.store.vectors.searchSpace;
      const store = Object.assign(Object.create(parts.store) as typeof parts.store, {
        vectors: {
          ...parts.store.vectors,
          searchSpace: async (...query: Parameters<typeof search>) => {
            await racing();
            return search(...query);
          },
          coverage: async (...about: Parameters<typeof parts.store.vectors.coverage>) => {
            await racing();
            return parts.store.vectors.coverage(...about);
          },
        },
      });
      const busy: Journey = {
        ...parts,
        store,
        source: new FakeEmbedder({ space: SOURCE_SPACE, before: racing }),
        target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3, before: racing }),
      };
      const outcome = await verifyMigration(busy, { queries: queries(60), settleSeconds: 5 });
      outcomes.push(outcome.verdict);
      expect(outcome.checks.filter(({ holds }) => !holds)).toEqual([]);
      expect(writes).toBeGreaterThan(10);
    }
    expect(outcomes).not.toContain('NO-GO');
  });
});
