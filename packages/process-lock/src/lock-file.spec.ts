import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { livenessOf, LockFile, newOwner, ownerFields, thisProcess, type LockOwner } from './index.js';

/** Above Linux' largest pid (PID_MAX_LIMIT, 2^22). */
const NOBODY = 4_194_305;
type Lock = LockOwner & { readonly note: string };

class Refused extends Error {
  constructor(
    readonly pid: number,
    readonly liveness: string,
  ) {
    super(`refused: ${pid} is ${liveness}`);
  }
}
class Damaged extends Error {}

let folder = '';
const path = (): string => join(folder, 'a.lock');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kimera-process-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): LockFile<Lock> =>
  new LockFile<Lock>({
    path: path(),
    mode: 0o600,
    schema: z.strictObject({ ...ownerFields, note: z.string() }),
    damaged: (damaged) => new Damaged(damaged),
    refused: ({ pid }, liveness) => new Refused(pid, liveness),
  });
const lock = (note: string): Lock => ({ ...newOwner(), note });
const leave = (fields: Readonly<Record<string, unknown>>): void =>
  writeFileSync(
    path(),
    JSON.stringify({
      ...thisProcess(),
      since: '2026-01-01T00:00:00.000Z',
      token: randomUUID(),
      note: 'left',
      ...fields,
    }),
  );

describe('a lock file', () => {
  it('is one at a time, says what its owner publishes, and can be had again after its release', async () => {
    const first = lock('first');
    await file().acquire(first);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    await expect(file().acquire(lock('second'))).rejects.toMatchObject({ pid: process.pid, liveness: 'alive' });
    await file().publish({ ...first, note: 'published' });
    expect(file().live()?.note).toBe('published');
    await file().release(randomUUID());
    expect(existsSync(path())).toBe(true);
    await file().release(first.token);
    await file().release(first.token);
    expect(file().live()).toBeUndefined();
    await file().acquire(lock('third'));
    expect(readdirSync(folder)).toEqual(['a.lock']);
  });

  it.each([
    ['has ended', { pid: NOBODY }],
    ...(thisProcess().startTicks === null
      ? []
      : [['has ended, and whose pid is used again', { startTicks: '1' }] as const]),
  ])('of a process that %s is taken over, by one of many that come at once', async (_, fields) => {
    for (let round = 0; round < 10; round++) {
      leave(fields);
      expect(file().live()).toBeUndefined();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_unused, i) => file().acquire(lock(`${i}`))),
      );
      const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [`${i}`] : []));
      expect(winners).toHaveLength(1);
      expect(JSON.parse(readFileSync(path(), 'utf8'))).toMatchObject({ note: winners[0] });
      expect(readdirSync(folder)).toEqual(['a.lock']);
      rmSync(path());
    }
  });

  it('of another machine is refused: whether its owner lives cannot be seen from here', async () => {
    leave({ host: 'elsewhere.example', pid: NOBODY });
    await expect(file().acquire(lock('mine'))).rejects.toMatchObject({ liveness: 'elsewhere' });
    expect(() => file().live()).toThrow(Refused);
  });

  it.each(['', '{', '{"pid": 1}', '[]'])('with %j in it is not one', async (content) => {
    writeFileSync(path(), content);
    await expect(file().acquire(lock('mine'))).rejects.toBeInstanceOf(Damaged);
    expect(readFileSync(path(), 'utf8')).toBe(content);
  });
});

describe('a process', () => {
  it('is alive here, dead where its pid or its start is not there, and unknown elsewhere', () => {
    expect(livenessOf(thisProcess())).toBe('alive');
    expect(livenessOf({ ...thisProcess(), pid: NOBODY })).toBe('dead');
    expect(livenessOf({ ...thisProcess(), host: 'elsewhere.example' })).toBe('elsewhere');
    expect(livenessOf({ ...thisProcess(), startTicks: null })).toBe('alive');
    if (thisProcess().startTicks !== null) expect(livenessOf({ ...thisProcess(), startTicks: '1' })).toBe('dead');
  });
});
