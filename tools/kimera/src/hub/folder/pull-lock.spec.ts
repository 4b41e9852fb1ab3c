import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { thisProcess } from '@kimera/process-lock';
import { PullLock } from './pull-lock.js';

/** Above Linux' largest pid (PID_MAX_LIMIT, 2^22). */
const NOBODY = 4_194_305;
const FILE = '.pull.lock';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kimera-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = (): readonly string[] => readdirSync(folder).sort();
function leave(fields: Readonly<Record<string, unknown>>, name = FILE): string {
  const token = randomUUID();
  writeFileSync(
    join(folder, name),
    JSON.stringify({ ...thisProcess(), since: '2026-01-01T00:00:00.000Z', token, ...fields }),
  );
  return token;
}

describe('PullLock', () => {
  it('is one at a time, and can be had again after its release', async () => {
    const lock = await PullLock.acquire(folder);
    await expect(PullLock.acquire(folder)).rejects.toMatchObject({
      code: 'PULL_LOCKED',
      retry: 'permanent',
      pid: process.pid,
      folder,
      file: join(folder, FILE),
    });
    await lock.release();
    await lock.release();
    await (await PullLock.acquire(folder)).release();
    expect(files()).toEqual([]);
  });

  it('leaves the lock of another owner alone', async () => {
    const lock = await PullLock.acquire(folder);
    leave({});
    await lock.release();
    expect(files()).toEqual([FILE]);
  });

  it.each([
    ['has ended', { pid: NOBODY }],
    ...(thisProcess().startTicks === null
      ? []
      : [['has ended, and whose pid is used again', { startTicks: '1' }] as const]),
  ])('of a process that %s is taken over', async (_, fields) => {
    leave(fields);
    const lock = await PullLock.acquire(folder);
    expect(JSON.parse(readFileSync(join(folder, FILE), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(files()).toEqual([FILE]);
    await lock.release();
  });

  it('is taken over by one of many that come at once', async () => {
    for (let round = 0; round < 20; round++) {
      leave({ pid: NOBODY });
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => PullLock.acquire(folder)));
      const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'PULL_LOCKED' });
      await winners[0]?.release();
      expect(files()).toEqual([]);
    }
  });

  it('is taken over where a process was killed while it took it over', async () => {
    const claim = leave({ pid: NOBODY }, `${FILE}.${leave({ pid: NOBODY })}`);
    expect(claim).not.toBe('');
    await (await PullLock.acquire(folder)).release();
    expect(files()).toEqual([]);
  });

  it('of a machine that cannot be seen is kept', async () => {
    leave({ host: 'elsewhere.example', pid: 1 });
    await expect(PullLock.acquire(folder)).rejects.toMatchObject({
      code: 'PULL_LOCKED',
      host: 'elsewhere.example',
      message: expect.stringContaining('remove'),
    });
  });

  it.each(['', 'pid 7', '{}', '{"pid":-1}'])('that is no lock is refused: %j', async (text) => {
    writeFileSync(join(folder, FILE), text);
    await expect(PullLock.acquire(folder)).rejects.toMatchObject({
      code: 'INVALID_PULL_LOCK',
      retry: 'permanent',
      file: join(folder, FILE),
    });
  });
});
