import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { Embedder } from '@kimera/embedder';
import { parseConfiguration, shippedModel } from '@kimera/serving';
import { emptyDatabase, FakeEmbedder, fakeSpace, type FakeEmbedderOptions } from '@kimera/testing';
import { pino } from 'pino';
import { StoredCollections, type LentStore } from './collections/stored-collections.js';
import { ServerKeeper } from './keeper.js';
import { startServer } from './server.js';

jest.setTimeout(180_000);
const root = fileURLToPath(new URL('../../..', import.meta.url));

it('a server that keeps its collections queues nothing for long, and tells the lag in its metrics', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kimera-keeper-'));
  const database = join(folder, 'data');
  const environment = { DATABASE_URL: database, LIGHTWEIGHT_EMBEDDING: '1', PORT: '0', KIMERA_KEEP: '1' };
  const light = new Embedder(await openStaticModel({ path: shippedModel('static-minilm') }));
  const { joinStore, openStore } = await import('@kimera/store-postgres');
  await emptyDatabase(database);
  const made = await openStore({ database });
  await made.collections.createCollection('docs', light.space);
  const embedding = await light.encodeText('a text', { role: 'document' });
  await made.collections.upsertRows('docs', [{ id: 'a', text: 'a text', embedding }]);
  // What a fault, or an application, would leave: a row without its vector.
  await made.vectors.openSpace('docs', { ...light.space, fingerprint: 'f'.repeat(64) });
  await made.close();
  const server = await startServer(parseConfiguration(environment, root), pino({ enabled: false }));
  try {
    const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
    for (let i = 0; i < 300 && !/kimera_keeper_lag_seconds\{/.test(await metrics()); i++) await delay(100);
    const text = await metrics();
    expect(text).toMatch(/^kimera_keeper_up 1$/m);
    expect(text).toContain(
      `kimera_keeper_pending_rows{collection="docs",space="${light.space.fingerprint}",active="1"} 0`,
    );
    expect(text).toMatch(/kimera_keeper_lag_seconds\{collection="docs",space="f{64}",active="0"\} 0/);
    const store = await joinStore(database);
    await store.collections.upsertRows('docs', [{ id: 'b', text: 'another', embedding }]);
    expect(await store.changes.countPending('docs', light.space.fingerprint)).toBe(0);
    await store.close();
  } finally {
    await server.close();
    await light.close();
    await rm(folder, { recursive: true });
  }
});

describe('the keeper of a server', () => {
  const [active, other] = [fakeSpace('active'), fakeSpace('other')];
  const logger = pino({ enabled: false });
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kimera-keeper-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 600 && !(await isSo()); i++) await delay(100);
    expect(await isSo()).toBe(true);
  };
  /** Each row has its vector in the active space, and waits for one in the other. */
  const write = async (database: string, ids: readonly string[]): Promise<void> => {
    const { joinStore } = await import('@kimera/store-postgres');
    const [store, model] = [await joinStore(database), new FakeEmbedder({ space: active })];
    for (const id of ids) {
      const embedding = await model.encodeText(id, { role: 'document' });
      await store.collections.upsertRows('docs', [{ id, text: id, embedding }]);
    }
    await store.close();
  };
  const open = async (database: string) => {
    const { openStore } = await import('@kimera/store-postgres');
    await emptyDatabase(database);
    const owner = await openStore({ database });
    await owner.collections.createCollection('docs', active);
    await owner.vectors.openSpace('docs', other);
    return owner;
  };
  const start = async (database: string, modelShare: number, options: FakeEmbedderOptions = {}) => {
    const collections = await StoredCollections.at(database);
    const lent: LentStore[] = [];
    const model = new FakeEmbedder({ space: other, ...options });
    const keeper = new ServerKeeper({
      collections: {
        lend: async () => {
          const one = await collections.lend();
          if (one !== undefined) lent.push(one);
          return one;
        },
        notAnswered: (one) => collections.notAnswered(one),
      },
      served: [new FakeEmbedder({ space: active }), model],
      openModel: () => Promise.reject(new Error('no other model')),
      modelShare,
      logger,
    });
    const texts = (): readonly string[] => model.calls.flatMap((call) => call.texts);
    return { collections, lent, model, keeper, texts };
  };

  it('works with the store that requests use, leaves it open, and finds the database again where its process has ended', async () => {
    const database = join(folder, 'data');
    const owner = await open(database);
    const { collections, lent, keeper, texts } = await start(database, 1);
    await write(database, ['one']);
    await until(() => texts().includes('one'));
    expect(await collections.names()).toEqual(['docs']);
    expect((await collections.lend())?.store).toBe(lent[0]?.store);
    // No request tells that it has ended.
    await owner.close();
    await until(() => lent.length === 2 && !keeper.isAway);
    expect([lent[0]?.gone.aborted, lent[1]?.gone.aborted]).toEqual([true, false]);
    await write(database, ['two']);
    await until(() => texts().includes('two'));
    expect((await collections.lend())?.store).toBe(lent[1]?.store);
    await keeper.close();
    expect(await collections.names()).toEqual(['docs']);
    expect(lent).toHaveLength(2);
    await collections.close();
  });

  it('lets a model work no more than its share of the time', async () => {
    const database = join(folder, 'capped');
    const owner = await open(database);
    await write(
      database,
      Array.from({ length: 40 }, (_, i) => `row ${i}`),
    );
    const calls: { readonly began: number; readonly took: number }[] = [];
    const before = async (): Promise<void> => {
      const began = performance.now();
      await delay(100);
      calls.push({ began, took: performance.now() - began });
    };
    const { collections, keeper, texts } = await start(database, 0.2, { before });
    await until(() => texts().length >= 40);
    await keeper.close();
    await collections.close();
    await owner.close();
    expect(calls.length).toBeGreaterThan(1);
    const [first, last] = [calls[0]?.began ?? 0, calls.at(-1)?.began ?? 0];
    const worked = calls.slice(0, -1).reduce((sum, { took }) => sum + took, 0);
    expect(worked / (last - first)).toBeLessThanOrEqual(0.205);
  });

  it('waits for a database that is not there, and makes none', async () => {
    const database = join(folder, 'none');
    const { collections, lent, keeper } = await start(database, 1);
    await delay(100);
    expect([keeper.isAway, lent.length, existsSync(database)]).toEqual([true, 0, false]);
    await keeper.close();
    await collections.close();
  });
});
