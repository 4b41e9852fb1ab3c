import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { livenessOf, thisProcess } from '@kimera/process-lock';
import { StoreProcess } from '../child-process.fixture.js';
import { TemporaryFolders } from '../store.fixture.js';
import { FolderLock, liveLock } from './folder-lock.js';

jest.setTimeout(120_000);
const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** Above Linux' largest pid (PID_MAX_LIMIT, 2^22). */
const NOBODY = 4_194_305;
function leave(folder: string, fields: Record<string, unknown>, name = 'kimera.lock'): string {
  const token = randomUUID();
  writeFileSync(
    join(folder, name),
    JSON.stringify({ ...thisProcess(), since: '2026-01-01T00:00:00.000Z', token, port: 7, password: 'old', ...fields }),
  );
  return token;
}
const files = (folder: string): readonly string[] => readdirSync(folder).sort();

describe('FolderLock', () => {
  it('is one at a time, and can be had again after its release', async () => {
    const folder = join(await folders.empty(), 'made', 'on the way');
    const lock = await FolderLock.acquire(folder, 'secret');
    await expect(FolderLock.acquire(folder, 'other')).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      pid: process.pid,
      host: hostname(),
      folder,
    });
    await lock.publish(5432);
    await expect(FolderLock.acquire(folder, 'other')).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(liveLock(folder)).toMatchObject({ port: 5432, password: 'secret' });
    await lock.release();
    await lock.release();
    expect(liveLock(folder)).toBeUndefined();
    await (await FolderLock.acquire(folder, 'third')).release();
    expect(files(folder)).toEqual([]);
  });

  it('can be read by its owner alone, since it has the password', async () => {
    const folder = await folders.empty();
    const lock = await FolderLock.acquire(folder, 'secret');
    expect(statSync(join(folder, 'kimera.lock')).mode & 0o777).toBe(0o600);
    await lock.publish(1);
    expect(statSync(join(folder, 'kimera.lock')).mode & 0o777).toBe(0o600);
    await lock.release();
  });

  it('leaves the lock of another owner alone', async () => {
    const folder = await folders.empty();
    const lock = await FolderLock.acquire(folder, 'secret');
    leave(folder, {});
    await lock.release();
    expect(files(folder)).toEqual(['kimera.lock']);
  });

  it.each([
    ['has ended', { pid: NOBODY }],
    ...(thisProcess().startTicks === null
      ? []
      : [['has ended, and whose pid is used again', { startTicks: '1' }] as const]),
  ])('of a process that %s is taken over', async (_, fields) => {
    const folder = await folders.empty();
    leave(folder, fields);
    expect(liveLock(folder)).toBeUndefined();
    const lock = await FolderLock.acquire(folder, 'new');
    expect(files(folder)).toEqual(['kimera.lock']);
    expect(JSON.parse(readFileSync(join(folder, 'kimera.lock'), 'utf8'))).toMatchObject({
      pid: process.pid,
      password: 'new',
    });
    await lock.release();
  });

  it('is taken over by one of many that come at once', async () => {
    for (let round = 0; round < 20; round++) {
      const folder = await folders.empty();
      leave(folder, { pid: NOBODY });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) => FolderLock.acquire(folder, `${i}`)),
      );
      const [winner, ...others] = outcomes.flatMap((outcome) =>
        outcome.status === 'fulfilled' ? [outcome.value] : [],
      );
      expect(others).toEqual([]);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STORE_LOCKED' });
      expect(liveLock(folder)).toMatchObject({ password: winner?.password });
      expect(files(folder)).toEqual(['kimera.lock']);
      await winner?.release();
    }
  });

  it('is taken over where a process was killed while it took it over', async () => {
    const folder = await folders.empty();
    const token = leave(folder, { pid: NOBODY });
    const claim = leave(folder, { pid: NOBODY }, `kimera.lock.${token}`);
    leave(folder, { pid: NOBODY }, `kimera.lock.${token}.${claim}`);
    await (await FolderLock.acquire(folder, 'new')).release();
    expect(files(folder)).toEqual([]);
  });

  it('of a machine that cannot be seen, and a file that is no lock, are refused', async () => {
    const folder = await folders.empty();
    leave(folder, { host: 'elsewhere.example', pid: 1 });
    for (const call of [() => FolderLock.acquire(folder, 'x'), async () => liveLock(folder)])
      await expect(call()).rejects.toMatchObject({ code: 'FOREIGN_LOCK', host: 'elsewhere.example', pid: 1 });
    for (const text of ['', 'pid 7', '{}', '{"pid":-1}']) {
      writeFileSync(join(folder, 'kimera.lock'), text);
      await expect(FolderLock.acquire(folder, 'x')).rejects.toMatchObject({ code: 'DAMAGED_LOCK' });
    }
  });

  it('of another process is seen while it lives, even before anyone has noticed its end', async () => {
    const folder = await folders.empty();
    const other = StoreProcess.start('lock', folder);
    expect(await other.saying(1)).toEqual(['locked']);
    await expect(FolderLock.acquire(folder, 'x')).rejects.toMatchObject({ code: 'STORE_LOCKED', pid: other.pid });
    const rivals = [1, 2].map(() => StoreProcess.start('lock', folder));
    for (const rival of rivals) expect((await rival.saying(1))[0]).toMatch(/^STORE_LOCKED/);
    process.kill(other.pid, 'SIGKILL');
    // The process is a zombie until this thread has turned to its end.
    while (livenessOf({ pid: other.pid, host: hostname(), startTicks: null }) === 'alive');
    const lock = await FolderLock.acquire(folder, 'x');
    await lock.release();
    await Promise.all([other.kill(), ...rivals.map((rival) => rival.kill())]);
  });

  it('of a killed process goes to one of the processes that come at once', async () => {
    const folder = await folders.empty();
    leave(folder, { pid: NOBODY });
    const rivals = [1, 2, 3].map(() => StoreProcess.start('lock', folder));
    const said = await Promise.all(rivals.map(async (rival) => (await rival.saying(1))[0]?.split(' ')[0]));
    expect(said.sort()).toEqual(['STORE_LOCKED', 'STORE_LOCKED', 'locked']);
    await Promise.all(rivals.map((rival) => rival.stop()));
    expect(files(folder)).toEqual([]);
  });
});
