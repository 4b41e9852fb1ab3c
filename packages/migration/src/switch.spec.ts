import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { CatchUpError } from '@kimera/core';
import { FakeEmbedder, type FakeEmbedderOptions } from '@kimera/testing';
import { embedRows } from './embed-rows.js';
import { cutOver, rollBack } from './index.js';
import {
  active,
  COLLECTION,
  expectedVectors,
  journey,
  ready,
  SOURCE_SPACE,
  state,
  TARGET_SPACE,
  text,
  vectors,
  type Journey,
} from './journey.fixture.js';

/** Ready for a cutover, with so many changes waiting, and a target as given. */
async function waiting(changes: number, target: FakeEmbedderOptions = {}): Promise<Journey> {
  const parts = await ready(await journey());
  await write(parts, changes, 'changed');
  return { ...parts, target: new FakeEmbedder({ space: TARGET_SPACE, shift: 3, ...target }) };
}
const write = (parts: Journey, count: number, words: string): Promise<void> =>
  parts.store.writeAsApplication(
    COLLECTION,
    Array.from({ length: count }, (_, i) => ({
      id: `r${String(i % 100).padStart(5, '0')}`,
      text: `${words} ${text(i)}`,
    })),
  );
/** Nothing has changed, and the switch can be made later. */
async function expectUnmoved(parts: Journey): Promise<void> {
  expect([await active(parts), await state(parts)]).toEqual([SOURCE_SPACE.fingerprint, 'ready']);
  const target = new FakeEmbedder({ space: TARGET_SPACE, shift: 3 });
  await cutOver({ ...parts, target });
  expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, target));
}
async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

describe('a switch', () => {
  it('logs what it did, in figures', async () => {
    const parts = await waiting(40);
    const report = await cutOver(parts);
    expect(report).toMatchObject({ rounds: 1, blockedMilliseconds: 0 });
    expect(report.caughtUp + report.caughtUpBefore).toBe(40);
    await rollBack(parts);
    const { id } = await parts.store.migrations.latestMigration(COLLECTION);
    const [cutover, rollback] = (await parts.store.migrations.events(id)).slice(-2);
    for (const [line, event] of [
      [cutover, 'cutover'],
      [rollback, 'rollback'],
    ] as const) {
      expect(line).toMatchObject({ event, figures: { rounds: 1, blockedMilliseconds: 0 } });
      expect(Object.keys(line?.figures ?? {}).sort()).toEqual(
        ['blockedMilliseconds', 'caughtUp', 'caughtUpBefore', 'rounds', 'seconds'].sort(),
      );
    }
  });

  it('leaves for the time that writers wait only what its rounds no longer halve', async () => {
    const during = [40, 15, 4];
    const parts = await waiting(80, {
      before: async () => {
        const more = during.shift();
        if (more !== undefined) await write(parts, more, `${more} more`);
      },
    });
    const report = await cutOver(parts);
    expect(during).toEqual([]);
    expect(report).toMatchObject({ caughtUp: 0 });
  });

  it('embeds nothing under the lock that its rounds can embed before, though each is a part of what waits', async () => {
    // 50 rows a second: a call of the model gets some 25 of them, and all would be allowed under the lock.
    const parts = await waiting(100, { before: ({ texts }) => delay(texts.length * 20) });
    const report = await cutOver(parts);
    expect(report).toMatchObject({ caughtUp: 0, caughtUpBefore: 100 });
  });

  it.each([
    ['a few', 3],
    ['many', 60],
  ])('asks for the lock while %s changes come with each call of the model, for no more than these', async (_, more) => {
    let calls = 0;
    const parts = await waiting(100, {
      before: async ({ texts }) => {
        await delay(texts.length);
        // Those of a call under the lock wait for its end.
        void write(parts, more, `call ${++calls}`);
      },
    });
    const report = await cutOver(parts);
    expect(report.caughtUp).toBeGreaterThan(0);
    expect(report.caughtUp).toBeLessThanOrEqual(more);
  });

  it('waits for changes that another worker has at hand, rather than to embed them under the lock', async () => {
    const parts = await waiting(40);
    const { fingerprint } = TARGET_SPACE;
    const claimed = await parts.store.changes.claimPending(COLLECTION, fingerprint, {
      limit: 40,
      leaseSeconds: 15,
      of: 'all rows',
    });
    const { vectors: made } = await embedRows(parts.target, claimed);
    setTimeout(() => void parts.store.vectors.writeVectors(COLLECTION, fingerprint, made), 700);
    const report = await cutOver(parts);
    expect(report).toMatchObject({ caughtUp: 0, caughtUpBefore: 0 });
    expect(report.seconds).toBeGreaterThan(0.5);
  });

  it('converges under writers that are slower than the model', async () => {
    let calls = 0;
    const parts = await waiting(100, {
      before: async () => {
        // For a while each call of the model is answered by more changes.
        if (++calls < 20) await write(parts, 20, `call ${calls}`);
      },
    });
    const report = await cutOver(parts, { maxPending: 10 });
    expect(report.caughtUp).toBeLessThanOrEqual(10);
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.target));
  });

  it('gives up after its time, and says what was in the way', async () => {
    const parts = await waiting(100, {
      before: async () => {
        await delay(20);
        await write(parts, 100, `at ${performance.now()}`);
      },
    });
    const error: unknown = await cutOver(parts, { timeoutSeconds: 1, maxPending: 30 }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(CatchUpError);
    expect(error).toMatchObject({ pending: 100, limit: 30, fields: { maxBlockedSeconds: 2, rounds: 1 } });
    await expectUnmoved(parts);
  });

  it.each([
    ['while it catches up', 1],
    // What is written during the first call is embedded by the second, under the lock.
    ['while writers wait', 2],
  ])('is ended by a signal %s', async (_, call) => {
    const stop = new AbortController();
    const reason = new Error('Ctrl-C');
    let calls = 0;
    const parts: Journey = await waiting(5, {
      before: async () => {
        if (++calls < call) return write(parts, 5, 'late');
        setTimeout(() => stop.abort(reason), 50);
        await delay(5_000, undefined, { signal: stop.signal }).catch(() => undefined);
      },
    });
    const took = elapsed(() => expect(cutOver(parts, { signal: stop.signal })).rejects.toBe(reason));
    expect(await took).toBeLessThan(2_000);
    expect(calls).toBe(call);
    await expectUnmoved(parts);
  });

  it('that is asked for after the signal does nothing', async () => {
    const parts = await waiting(3);
    await expect(cutOver(parts, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    await expectUnmoved(parts);
  });
});
