import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { fakeSpace } from '@kimera/testing';
import { StoreProcess } from './child-process.fixture.js';
import { joinStore, openStore } from './open-store.js';
import type { PostgresStore } from './postgres-store.js';
import { embeddedConnection, SqlApplication, TemporaryFolders } from './store.fixture.js';

// Each test starts processes and databases, which takes seconds on a busy machine.
jest.setTimeout(300_000);

const SPACE = fakeSpace('durable', { dimension: 4 });
const folders = new TemporaryFolders();
const stores: PostgresStore[] = [];
const processes: StoreProcess[] = [];
afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => folders.remove());

async function opened(folder: string): Promise<PostgresStore> {
  const store = await openStore({ database: folder });
  stores.push(store);
  return store;
}
function started(action: string, folder: string, prefix = ''): StoreProcess {
  const child = StoreProcess.start(action, folder, prefix);
  processes.push(child);
  return child;
}
let docs: Promise<string> | undefined;
/** A copy of a database with an empty collection. */
async function folderWithDocs(): Promise<string> {
  docs ??= withDocs();
  return folders.copy(await docs);
}
async function withDocs(): Promise<string> {
  const folder = await folders.withDatabase();
  const store = await openStore({ database: folder });
  await store.collections.createCollection('docs', SPACE);
  await store.close();
  return folder;
}
/** Every committed row is there with its vector, and no row that was not begun. */
async function expectRows(
  store: PostgresStore,
  committed: readonly string[],
  prefixes: readonly string[],
): Promise<void> {
  const rows = await store.collections.readRange('docs', { after: null, upTo: null });
  const there = new Set(rows.map(({ id }) => id));
  expect(committed.filter((id) => !there.has(id))).toEqual([]);
  expect(rows.length - committed.length).toBeLessThanOrEqual(prefixes.length);
  for (const { id, contentHash } of rows)
    expect(contentHash).toBe(createHash('sha256').update(`text of ${id}`).digest('hex'));
  expect(await store.vectors.coverage('docs', SPACE.fingerprint)).toEqual({
    rows: rows.length,
    current: rows.length,
    missing: 0,
    stale: 0,
    orphans: 0,
    malformed: 0,
    truncated: 0,
    pending: 0,
  });
}

describe('an embedded store', () => {
  it('loses nothing that was committed when its owner is killed, again and again', async () => {
    const folder = await folderWithDocs();
    const committed: string[] = [];
    const prefixes = ['first', 'second', 'third'];
    for (const [i, prefix] of prefixes.entries()) {
      const owner = started('open-and-insert', folder, prefix);
      await owner.saying(10 + 7 * i);
      committed.push(...(await owner.kill()));
    }
    expect(committed.length).toBeGreaterThanOrEqual(10 + 17 + 24);
    await expectRows(await opened(folder), committed, prefixes);
  });

  it('is refused to a second process by the pid of the first, which it may join', async () => {
    const folder = await folderWithDocs();
    const store = await opened(folder);
    await expect(openStore({ database: folder })).rejects.toMatchObject({ code: 'STORE_LOCKED', pid: process.pid });
    const [refused, joined] = [started('open', folder), started('join', folder)];
    const [line = ''] = await refused.saying(1);
    expect(line).toMatch(/^STORE_LOCKED /);
    expect(JSON.parse(line.slice('STORE_LOCKED '.length))).toMatchObject({ pid: process.pid });
    expect(await joined.saying(1)).toEqual(['joined 0']);
    await joined.stop();
    expect(await store.collections.countRows('docs')).toBe(0);
    await store.close();
    await expect(joinStore(folder)).rejects.toMatchObject({ code: 'STORE_NOT_RUNNING', folder });
    await expect(joinStore(await folders.empty())).rejects.toMatchObject({ code: 'STORE_NOT_RUNNING' });
  });

  it('goes on when processes that joined it are killed, in a transaction and between two', async () => {
    const folder = await folderWithDocs();
    const store = await opened(folder);
    const joined = ['a', 'b'].map((prefix) => started('join-and-insert', folder, prefix));
    await Promise.all(joined.map((child) => child.saying(15)));
    const committed = (await Promise.all(joined.map((child) => child.kill()))).flat();
    const holder = started('join-and-hold', folder);
    expect(await holder.saying(1)).toEqual(['holding']);
    const waiting = store.collections.countRows('docs');
    expect(await Promise.race([waiting, delay(100, 'waits')])).toBe('waits');
    await holder.kill();
    expect(await waiting).toBeGreaterThanOrEqual(committed.length);
    await expectRows(store, committed, ['a', 'b']);
  });

  it('ends the work of those who joined when it closes, and keeps what they committed', async () => {
    const folder = await folderWithDocs();
    const store = await openStore({ database: folder });
    const joined = started('join-and-insert', folder, 'a');
    await joined.saying(5);
    await store.close();
    const said = await joined.stop();
    const committed = said.filter((line) => line.startsWith('a-'));
    expect(said.length).toBe(committed.length + 1);
    await expectRows(await opened(folder), committed, ['a']);
  });

  it('that was being made when its process was killed is made anew', async () => {
    const folder = await folders.empty();
    const owner = started('open', folder);
    while (!existsSync(join(folder, 'database.unfinished/base'))) await delay(10);
    await owner.kill();
    expect(existsSync(join(folder, 'database'))).toBe(false);
    const store = await opened(folder);
    await store.collections.createCollection('docs', SPACE);
    expect(await store.collections.countRows('docs')).toBe(0);
  });

  it('answers several clients of any kind at once, and refuses what its one session cannot do', async () => {
    const folder = await folderWithDocs();
    const store = await opened(folder);
    const application = new SqlApplication(embeddedConnection(folder));
    const large = 'x'.repeat(5_000_000);
    const answers = await Promise.all([
      application.pool.query<{ length: number }>('SELECT length($1::text)', [large]),
      application.pool.query<{ text: string }>(`SELECT repeat('y', 3000000) AS text`),
      application.pool.query('SELECT no_such_column').catch((error: unknown) => error),
      application.pool.query('COPY public.docs FROM STDIN').catch((error: unknown) => error),
      application.pool.query({ name: 'named', text: 'SELECT 1' }).catch((error: unknown) => error),
      store.collections.countRows('docs'),
      application.pool.query('SELECT 1; SELECT 2'),
    ]);
    expect(answers[0].rows).toEqual([{ length: large.length }]);
    expect(answers[1].rows[0]?.text.length).toBe(3_000_000);
    expect(answers.slice(2, 5)).toMatchObject([{ code: '42703' }, { code: '57014' }, { code: '0A000' }]);
    expect(answers[5]).toBe(0);
    await application.close();
  });

  it('is closed once, and refuses calls after it', async () => {
    const folder = await folderWithDocs();
    const store = await openStore({ database: folder });
    expect(store.address).toMatch(/^postgres:\/\/kimera@127\.0\.0\.1:\d+\/postgres$/);
    expect(await store.capacity.freeBytes()).toBeGreaterThan(0);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    for (const call of [() => store.collections.countRows('docs'), () => store.collections.deleteRows('docs', ['a'])])
      await expect(call()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
