import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClosedError, DimensionMismatchError, RemoteError, type RunOrder } from '@kimera/core';
import { WorkerDiedError } from './errors.js';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';

const open: WorkerPool[] = [];
async function pool(options: Partial<WorkerPoolOptions> = {}): Promise<WorkerPool> {
  const opened = await WorkerPool.open({
    name: 'echo',
    module: new URL('../dist/echo.fixture.js', import.meta.url),
    data: 'd',
    size: 2,
    ...options,
  });
  open.push(opened);
  return opened;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

describe('WorkerPool', () => {
  it('answers every request with its own response', async () => {
    const echo = await pool();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => echo.call(i)));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => ['d', i]));
  });

  it('is told what the factory of each worker told, of those that take the place of dead ones too', async () => {
    const notes: unknown[] = [];
    const echo = await pool({ size: 2, attempts: 1, onReady: (note) => notes.push(note) });
    const note = ['opened with', 'd'];
    expect(notes).toEqual([note, note]);
    await expect(echo.call('die')).rejects.toBeInstanceOf(WorkerDiedError);
    while (notes.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notes).toEqual([note, note, note]);
  });

  it('starts its workers with the first request where it is to, and says why where none can be started', async () => {
    const echo = await pool({ start: 'when needed' });
    expect(echo.threadIds).toEqual([]);
    expect(await Promise.all([echo.call(1), echo.call(2)])).toEqual([
      ['d', 1],
      ['d', 2],
    ]);
    // The first that is ready may answer both calls.
    while (echo.threadIds.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const none = await pool({ start: 'when needed', module: new URL('file:///there-is-no-such-module.js') });
    await expect(none.call(1)).rejects.toBeInstanceOf(WorkerDiedError);
  });

  it('lets requests in order first pass those that wait, and keeps the order among them', async () => {
    const echo = await pool({ size: 1 });
    const answered: string[] = [];
    await Promise.all(
      (
        [
          ['a', 'last'],
          ['b', 'last'],
          ['c', 'last'],
          ['d', 'first'],
          ['e', 'first'],
        ] as const
      ).map(([name, order]) => echo.call(name, order).then(() => answered.push(name))),
    );
    expect(answered.join('')).toBe('adebc');
  });

  it('sends a single worker its next request in order first before it is through with one, and no other', async () => {
    /** How many of two requests are begun while this thread does nothing for them. */
    const begun = async (order: RunOrder, milliseconds: number): Promise<number> => {
      const echo = await pool({ size: 1 });
      const count = new Int32Array(new SharedArrayBuffer(4));
      const calls = [echo.call(count, order), echo.call(count, order)];
      for (let known = 0; known < 2; known = Atomics.load(count, 0))
        if (Atomics.wait(count, 0, known, milliseconds) === 'timed-out') break;
      const before = Atomics.load(count, 0);
      await Promise.all(calls);
      return before;
    };
    expect(await begun('first', 60_000)).toBe(2);
    expect(await begun('last', 500)).toBe(1);
  });

  it('does not count a death against the request that was sent behind', async () => {
    const echo = await pool({ size: 1, attempts: 1 });
    const [first, second] = await Promise.allSettled([echo.call('die', 'first'), echo.call('after', 'first')]);
    expect(first).toMatchObject({ reason: { code: 'WORKER_DIED', attempts: 1 } });
    expect(second).toEqual({ status: 'fulfilled', value: ['d', 'after'] });
    expect(echo.deaths).toBe(1);
  });

  it('rebuilds an error with its class, and keeps code and fields of an unknown one', async () => {
    const known = await pool({
      errors: {
        DIMENSION_MISMATCH: ({ fields }) =>
          new DimensionMismatchError(Number(fields['expected']), Number(fields['actual']), String(fields['what'])),
      },
    });
    await expect(known.call('fail')).rejects.toBeInstanceOf(DimensionMismatchError);
    const unknown = await pool();
    const error = await unknown.call('fail').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'DIMENSION_MISMATCH', fields: { expected: 384, actual: 1024 } });
  });

  it('rejects the opening where the factory fails', async () => {
    await expect(pool({ data: 'broken' })).rejects.toMatchObject({ code: 'DIMENSION_MISMATCH' });
  });

  it('replaces a dead worker, tries the request once more, then reports', async () => {
    const echo = await pool({ size: 1 });
    await expect(echo.call('die')).rejects.toBeInstanceOf(WorkerDiedError);
    expect(echo.deaths).toBe(2);
    await expect(echo.call('after')).resolves.toEqual(['d', 'after']);
  });

  it('answers the request under which a worker crashed, and those that waited for it', async () => {
    const echo = await pool({ size: 1 });
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-pool-'));
    const file = join(scratch, 'there');
    await writeFile(file, '');
    await expect(Promise.all([{ dieOnceWith: file }, 2, 3].map((request) => echo.call(request)))).resolves.toEqual([
      ['d', { dieOnceWith: file }],
      ['d', 2],
      ['d', 3],
    ]);
    expect(echo.deaths).toBe(1);
    await rm(scratch, { recursive: true });
  });

  it('reports why no worker can be started any more, and recovers once one can', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-pool-'));
    const file = join(scratch, 'there');
    await writeFile(file, '');
    const echo = await pool({ size: 1, data: file });
    await rm(file);
    await expect(echo.call('die')).rejects.toMatchObject({ code: 'DIMENSION_MISMATCH' });
    await expect(echo.call(1)).rejects.toMatchObject({ code: 'DIMENSION_MISMATCH' });
    await writeFile(file, '');
    await expect(echo.call(2)).resolves.toEqual([file, 2]);
    await rm(scratch, { recursive: true });
  });

  it('refuses a request that cannot be cloned, and keeps the worker', async () => {
    const echo = await pool({ size: 1 });
    await expect(echo.call(() => 1)).rejects.toThrow('could not be cloned');
    await expect(echo.call(1)).resolves.toEqual(['d', 1]);
    expect(echo.deaths).toBe(0);
  });

  it('leaves no thread behind when it closes while a dead worker is being replaced', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
    const before = ports();
    const echo = await pool({ size: 1 });
    const dying = echo.call('die').catch((reason: unknown) => reason);
    while (echo.deaths === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(ports()).toBeGreaterThan(before);
    await echo.close();
    expect(await dying).toBeInstanceOf(ClosedError);
    expect(ports()).toBe(before);
  });

  it.each(['terminate', 'finish'] as const)('rejects what is under way when it closes (%s)', async (closing) => {
    const echo = await pool({ size: 1, closing });
    const calls = [echo.call(closing === 'terminate' ? 'block' : 1), echo.call(2)].map((call) =>
      call.catch((reason: unknown) => reason),
    );
    await echo.close();
    for (const call of calls) await expect(call).resolves.toBeInstanceOf(ClosedError);
  });

  it('refuses calls after close', async () => {
    const echo = await pool();
    await echo.close();
    await expect(echo.call(1)).rejects.toBeInstanceOf(ClosedError);
  });
});
