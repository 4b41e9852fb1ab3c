import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { KimeraError, type EmbeddingSpace, type SourceRow, type TextEmbedder } from '@kimera/core';
import { FakeEmbedder, type InMemoryStore } from '@kimera/testing';
import { cutOver, keep, pauseMigration, resumeMigration, retireMigration, work, type KeeperEvent } from '../index.js';
import {
  COLLECTION,
  expectedVectors,
  journey,
  ready,
  rowsOf,
  SOURCE_SPACE,
  started,
  state,
  TARGET_SPACE,
  upsert,
  vectors,
  type Journey,
} from '../journey.fixture.js';
import type { MigrationStorePorts } from '../parts.js';
import type { KeepParts } from './keep.js';
import type { OpenedModel } from './models.js';

/** A keeper at work, on the models of a journey. */
class Keeping {
  readonly events: KeeperEvent[] = [];
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly #stop = new AbortController();
  readonly #done: ReturnType<typeof keep>;

  constructor(
    parts: { readonly store: KeepParts['store']; readonly models: readonly TextEmbedder[] },
    options: { readonly collections?: readonly string[]; readonly maxRowsPerSecond?: number } = {},
  ) {
    const { collections, ...pace } = options;
    this.#done = keep(
      {
        store: parts.store,
        ...(collections === undefined ? {} : { collections }),
        openModel: async ({ fingerprint }: EmbeddingSpace): Promise<OpenedModel | undefined> => {
          const embedder = parts.models.find(({ space }) => space.fingerprint === fingerprint);
          if (embedder === undefined) return undefined;
          this.opened.push(embedder.space.modelId);
          return { embedder, close: async () => void this.closed.push(embedder.space.modelId) };
        },
      },
      { signal: this.#stop.signal, pollMilliseconds: 1, onEvent: (event) => this.events.push(event), ...pace },
    );
  }

  stop(): ReturnType<typeof keep> {
    this.#stop.abort();
    return this.#done;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    if (i > 2_000) throw new Error('not within ten seconds');
    await delay(5);
  }
}
const pending = ({ store }: Journey, space: EmbeddingSpace): Promise<number> =>
  store.changes.countPending(COLLECTION, space.fingerprint);
const modelsOf = (parts: Journey): { readonly store: InMemoryStore; readonly models: readonly TextEmbedder[] } => ({
  store: parts.store,
  models: [parts.source, parts.target],
});

describe('a keeper', () => {
  it('keeps collections current without any migration, those too that come later', async () => {
    const parts = await journey({ rows: 5 });
    const keeping = new Keeping(modelsOf(parts));
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00001', text: 'changed' }]);
    await parts.store.collections.createCollection('later', SOURCE_SPACE);
    await parts.store.writeAsApplication('later', rowsOf(3));
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    await until(async () => (await parts.store.vectors.readVectors('later', SOURCE_SPACE.fingerprint)).length === 3);
    expect(await vectors(parts, SOURCE_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.source));
    expect(await keeping.stop()).toMatchObject({ written: 4, changes: 4, jobs: 0 });
    expect(keeping.opened).toEqual(['fake/old']);
    expect(keeping.closed).toEqual(['fake/old']);
  });

  it('leaves collections alone that it was not given', async () => {
    const parts = await journey({ rows: 2 });
    await parts.store.collections.createCollection('other', SOURCE_SPACE);
    for (const name of [COLLECTION, 'other']) await parts.store.writeAsApplication(name, [{ id: 'x', text: 'new' }]);
    const keeping = new Keeping(modelsOf(parts), { collections: ['other'] });
    await until(async () => (await parts.store.changes.countPending('other', SOURCE_SPACE.fingerprint)) === 0);
    await keeping.stop();
    expect(await pending(parts, SOURCE_SPACE)).toBe(1);
  });

  it('goes through a whole migration, opens its model when it comes and closes it when it goes', async () => {
    const parts = await journey({ rows: 40 });
    const keeping = new Keeping(modelsOf(parts));
    await started(parts, 8);
    await until(async () => (await vectors(parts, TARGET_SPACE.fingerprint)).length === 40);
    await retireMigration(parts);
    await until(async () => keeping.closed.length > 0);
    expect([keeping.opened.includes('fake/new'), keeping.closed]).toEqual([true, ['fake/new']]);
    await keeping.stop();
  });

  it('embeds changes of the active space before those of the other, and both before the next call for a job', async () => {
    const calls: string[] = [];
    const parts = await started(
      await journey({ rows: 64, target: { before: async ({ texts }) => void calls.push(`new ${texts.length}`) } }),
      64,
    );
    calls.length = 0;
    const source = new FakeEmbedder({
      space: SOURCE_SPACE,
      before: async ({ texts }) => void calls.push(`old: ${texts.join()}`),
    });
    let written = false;
    const target = new FakeEmbedder({
      space: TARGET_SPACE,
      shift: 3,
      before: async ({ texts }) => {
        calls.push(texts.includes('urgent') ? 'new: urgent' : 'job');
        if (written) return;
        written = true;
        await parts.store.writeAsApplication(COLLECTION, [{ id: 'urgent', text: 'urgent' }]);
      },
    });
    const keeping = new Keeping({ store: parts.store, models: [source, target] }, { maxRowsPerSecond: 16 });
    await until(async () => calls.includes('new: urgent'));
    await keeping.stop();
    const [first, second] = calls;
    expect([first, second]).toEqual(['job', 'old: urgent']);
    expect(calls.indexOf('new: urgent')).toBeGreaterThan(1);
  });

  it('and others never embed the same change', async () => {
    const parts = await journey({ rows: 4 });
    const embedded: string[] = [];
    const models = [
      new FakeEmbedder({ space: SOURCE_SPACE, before: async ({ texts }) => void embedded.push(...texts) }),
    ];
    await parts.store.writeAsApplication(COLLECTION, rowsOf(300));
    const keepers = [1, 2, 3].map(() => new Keeping({ store: parts.store, models }));
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    await Promise.all(keepers.map((keeping) => keeping.stop()));
    expect(embedded.length).toBe(296);
    expect(new Set(embedded).size).toBe(296);
  });

  it('leaves the new space of a paused migration alone, and keeps the active one current', async () => {
    const parts = await started(await journey({ rows: 8 }), 4);
    await pauseMigration(parts);
    const keeping = new Keeping(modelsOf(parts));
    // It looks for work more than once.
    for (const text of ['changed', 'changed again', 'and again']) {
      await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00001', text }]);
      await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    }
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual([]);
    await resumeMigration(parts);
    await until(async () => (await vectors(parts, TARGET_SPACE.fingerprint)).length === 8);
    await keeping.stop();
  });

  it('takes the new space for the active one after a cutover', async () => {
    const parts = await ready(await journey());
    await cutOver(parts);
    const keeping = new Keeping(modelsOf(parts));
    await upsert(parts, parts.target, [{ id: 'r00001', text: 'changed in the new world' }]);
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    await keeping.stop();
    expect(await vectors(parts, SOURCE_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.source));
  });

  it('says that a model is missing, and goes on with what it has', async () => {
    const parts = await started(await journey({ rows: 8 }), 4);
    const keeping = new Keeping({ store: parts.store, models: [parts.source] });
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'r00001', text: 'changed' }]);
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    await keeping.stop();
    expect(keeping.events.filter(({ kind }) => kind === 'no model')).toEqual([
      { kind: 'no model', space: TARGET_SPACE, error: undefined },
    ]);
    expect(await pending(parts, TARGET_SPACE)).toBe(1);
  });

  it('sets a row aside that cannot be embedded, and embeds it once it is changed', async () => {
    const parts = await journey({ rows: 3 });
    const source = new FakeEmbedder({
      space: SOURCE_SPACE,
      poison: (words) => (words === 'poison' ? new RangeError('cannot be embedded') : undefined),
    });
    await parts.store.writeAsApplication(COLLECTION, [
      { id: 'a', text: 'poison' },
      { id: 'b', text: 'fine' },
    ]);
    const keeping = new Keeping({ store: parts.store, models: [source] });
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    const aside = await parts.store.changes.rowsSetAside(COLLECTION, SOURCE_SPACE.fingerprint);
    expect(aside).toMatchObject([{ id: 'a', reason: 'cannot be embedded' }]);
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'a', text: 'mended' }]);
    await until(async () => (await vectors(parts, SOURCE_SPACE.fingerprint)).length === 5);
    expect(await keeping.stop()).toMatchObject({ poison: 1, changes: 2 });
  });

  it('tells the lag of every space', async () => {
    const parts = await started(await journey({ rows: 2 }));
    const keeping = new Keeping({ store: parts.store, models: [] });
    await until(async () => keeping.events.some(({ kind }) => kind === 'lag'));
    await keeping.stop();
    const lag = keeping.events.flatMap((event) => (event.kind === 'lag' ? event.lag : []));
    expect(lag).toEqual([
      { collection: COLLECTION, space: SOURCE_SPACE, isActive: true, pending: 0, oldestSeconds: 0 },
      { collection: COLLECTION, space: TARGET_SPACE, isActive: false, pending: 0, oldestSeconds: 0 },
    ]);
  });

  it('fails in one collection and goes on in the others', async () => {
    const parts = await journey({ rows: 2 });
    await parts.store.collections.createCollection('other', TARGET_SPACE);
    const broken = new FakeEmbedder({ space: SOURCE_SPACE, poison: () => new Error('out of order') });
    for (const name of [COLLECTION, 'other']) await parts.store.writeAsApplication(name, [{ id: 'x', text: 'new' }]);
    const keeping = new Keeping({ store: parts.store, models: [broken, parts.target] });
    await until(async () => (await parts.store.changes.countPending('other', TARGET_SPACE.fingerprint)) === 0);
    await keeping.stop();
    expect(keeping.events.filter(({ kind }) => kind === 'failed')).toMatchObject([
      { collection: COLLECTION, error: { code: 'EMBEDDER_BROKEN' } },
    ]);
    expect(await pending(parts, SOURCE_SPACE)).toBe(1);
  });
});

class AwayError extends KimeraError {
  readonly code = 'AWAY';
  readonly kind = 'retryable';
}
/** A store each of whose calls fails now and then, before or after it has done its work, and for a while altogether. */
function unsteady(store: InMemoryStore): { readonly store: MigrationStorePorts; away: boolean; calls: number } {
  const unsteadyStore = { away: false, calls: 0 };
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return async (...values: readonly unknown[]): Promise<unknown> => {
          const call = ++unsteadyStore.calls;
          if (unsteadyStore.away || call % 7 === 0) throw new AwayError('the server is starting up');
          const result: unknown = await Reflect.apply(member, target, values);
          if (call % 11 === 0) throw new AwayError('connection terminated');
          return result;
        };
      },
    });
  const steady: readonly (string | symbol)[] = ['capacity'];
  return Object.assign(unsteadyStore, {
    store: new Proxy<MigrationStorePorts>(store, {
      get: (target, name) => {
        const port: unknown = Reflect.get(target, name, target);
        return typeof port === 'object' && port !== null && !steady.includes(name) ? wrap(port) : port;
      },
    }),
  });
}

describe('a database that goes away', () => {
  it('is waited for by a worker, which says so and loses nothing', async () => {
    const parts = await started(await journey({ rows: 40 }), 8);
    const said: string[] = [];
    const { store } = unsteady(parts.store);
    const result = await work(
      { ...parts, store },
      {
        until: 'caught-up',
        leaseSeconds: 0,
        onAway: (reason) => said.push(reason),
        onBack: () => said.push('back'),
      },
    );
    expect(result.ended).toBe('caught-up');
    expect(said.length % 2).toBe(0);
    expect(said.slice(0, 2)).toEqual(['the server is starting up', 'back']);
    expect(await vectors(parts, TARGET_SPACE.fingerprint)).toEqual(await expectedVectors(parts, parts.target));
  });

  it('for longer than a worker is told to wait ends it with the error', async () => {
    const parts = await started(await journey({ rows: 8 }), 8);
    const broken = unsteady(parts.store);
    const working = work(
      { ...parts, store: broken.store },
      { until: 'retired', patienceSeconds: 0.3, onAway: () => (broken.away = true) },
    );
    await expect(working).rejects.toBeInstanceOf(AwayError);
  });

  it('is waited for by a keeper, and a signal ends the wait at once', async () => {
    // A claim whose answer was lost ends after its 15 s: on this clock after 0.15 s.
    const parts = await journey({ rows: 2, store: { now: () => performance.now() * 100 } });
    const broken = unsteady(parts.store);
    broken.away = true;
    const keeping = new Keeping({ store: broken.store, models: [parts.source] });
    await until(async () => keeping.events.length > 0);
    await parts.store.writeAsApplication(COLLECTION, [{ id: 'x', text: 'new' }]);
    const { calls } = broken;
    await until(async () => broken.calls > calls);
    broken.away = false;
    await until(async () => (await pending(parts, SOURCE_SPACE)) === 0);
    broken.away = true;
    await until(async () => keeping.events.at(-1)?.kind === 'away');
    const asked = performance.now();
    await keeping.stop();
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(await state(await started(await journey()))).toBe('backfilling');
  });
});

it('a worker holds its rate within a second, pauses within one, and stops within one', async () => {
  const parts = await started(await journey({ rows: 200 }), 200);
  const rows: SourceRow[] = [];
  const stop = new AbortController();
  const began = performance.now();
  const at: number[] = [];
  const target = new FakeEmbedder({
    space: TARGET_SPACE,
    before: async ({ texts }) => {
      at.push(performance.now() - began);
      rows.length += texts.length;
    },
  });
  const working = work({ ...parts, target }, { until: 'caught-up', maxRowsPerSecond: 20, signal: stop.signal });
  await until(async () => at.length > 2);
  expect(rows.length).toBeLessThanOrEqual(80);
  const asked = performance.now();
  await pauseMigration(parts);
  expect(await working).toMatchObject({ ended: 'paused', jobs: 0 });
  expect(performance.now() - asked).toBeLessThan(2_000);
  expect(await parts.store.jobs.counts((await parts.store.migrations.latestMigration(COLLECTION)).id)).toMatchObject({
    waiting: 1,
    active: 0,
  });
  await resumeMigration(parts);
  const again = work({ ...parts, target }, { until: 'caught-up', maxRowsPerSecond: 20, signal: stop.signal });
  await until(async () => at.length > 4);
  const signalled = performance.now();
  stop.abort();
  expect((await again).ended).toBe('stopped');
  expect(performance.now() - signalled).toBeLessThan(1_000);
});
