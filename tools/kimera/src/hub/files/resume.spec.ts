import type { IncomingMessage } from 'node:http';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PACE } from '../client/pace.js';
import {
  cutAt,
  ignoringRange,
  send,
  sha256,
  stallAt,
  status,
  untilBytes,
  type Behaviour,
} from '../hub-server.fixture.js';
import { fakeTimeouts, FILES, hurried, noise, PullTest, WEIGHTS } from '../pull.fixture.js';

const NAME = 'model.safetensors';
const STORE = `store ${NAME}`;
let test: PullTest;
beforeEach(async () => {
  test = await PullTest.start();
  test.server.model(FILES);
});
afterEach(async () => {
  jest.useRealTimers();
  await test.end();
});

const cut = (upTo: number, more: Readonly<Record<string, string>> = {}): Behaviour =>
  cutAt(upTo, test.partial(NAME), more);

describe('a download that is cut off', () => {
  it('asks for the missing bytes alone, of the same content', async () => {
    test.server.plan(STORE, cut(2_000), cut(3_500));
    await test.pull();
    expect(test.asked(NAME)).toEqual([undefined, 'bytes=2000-', 'bytes=3500-']);
    const etag = `"store-${sha256(WEIGHTS).slice(0, 8)}"`;
    expect(test.server.seen(STORE).map(({ ifRange }) => ifRange)).toEqual([undefined, etag, etag]);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('goes on as often as it makes progress, and no longer', async () => {
    const steps = [1_000, 2_000, 3_000, 4_000];
    test.server.plan(STORE, ...steps.map((upTo) => cut(upTo)), status(500));
    const { pace, waits } = hurried({ attempts: 3 });
    await test.pull({ pace });
    expect(waits).toEqual([1_000, 1_000, 1_000, 1_000, 2_000]);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('gives up after its tries with the bytes kept, and the next pull goes on', async () => {
    test.server.plan(STORE, cut(2_000), status(502), status(502), status(502));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_UNAVAILABLE' });
    expect(await readFile(test.partial(NAME))).toEqual(WEIGHTS.subarray(0, 2_000));
    expect(existsSync(`${test.folder}/${NAME}`)).toBe(false);
    await test.pull();
    expect(test.asked(NAME).at(-1)).toBe('bytes=2000-');
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('does not take the first bytes again and again for progress', async () => {
    const always: Behaviour = async (exchange) =>
      cutAt(
        3_000,
        test.partial(NAME),
      )({ ...exchange, request: Object.assign(Object.create(exchange.request) as IncomingMessage, { headers: {} }) });
    test.server.plan(STORE, ...Array.from({ length: 20 }, () => always));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_CONNECTION' });
    expect(test.asked(NAME).length).toBeLessThanOrEqual(4);
  });

  it('stalls: goes on with another connection', async () => {
    fakeTimeouts();
    test.server.plan(STORE, async (exchange) => {
      void stallAt(1_500)(exchange);
      await untilBytes(test.partial(NAME), 1_500);
      while (!exchange.response.destroyed) {
        jest.advanceTimersByTime(PACE.idleMilliseconds);
        await sleep(2);
      }
    });
    await test.pull();
    expect(test.asked(NAME)).toEqual([undefined, 'bytes=1500-']);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('starts over where the server ignores the range', async () => {
    test.server.plan(STORE, cut(2_000), ignoringRange);
    await test.pull();
    expect(test.asked(NAME)).toHaveLength(2);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it.each<readonly [string, Behaviour, string]>([
    ['416', status(416), 'the file ends before it'],
    [
      'another part',
      ({ response, headers, content }) =>
        send(response, 206, { ...headers, 'content-range': `bytes 100-4999/5000` }, content.subarray(100)),
      'it sends from byte 100',
    ],
    [
      'a part that it does not name',
      ({ response, headers, content }) => send(response, 206, headers, content.subarray(2_000)),
      'it sends from byte unknown',
    ],
    [
      'a part of a changed file',
      ({ response, content }) =>
        send(response, 206, { etag: '"other"', 'content-range': 'bytes 2000-4999/5000' }, content.subarray(2_000)),
      'the file has changed',
    ],
  ])('starts over where the server sends %s', async (_what, behaviour, reason) => {
    test.server.plan(STORE, cut(2_000), behaviour);
    const errors: unknown[] = [];
    await test.pull({ onWait: (error) => errors.push(error) });
    expect(errors[1]).toMatchObject({ code: 'HUB_RANGE', retry: 'retryable', from: 2_000, reason });
    expect(test.asked(NAME)).toEqual([undefined, 'bytes=2000-', undefined]);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('starts over where the file has changed between two tries (If-Range)', async () => {
    test.server.plan(STORE, cut(2_000, { etag: '"of another day"' }));
    await test.pull();
    expect(test.server.seen(STORE).map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      ['bytes=2000-', '"of another day"'],
    ]);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('sends no weak validator, which promises nothing about bytes', async () => {
    test.server.plan(STORE, cut(2_000, { etag: 'W/"weak"' }));
    await test.pull();
    expect(test.server.seen(STORE)[1]).toMatchObject({ range: 'bytes=2000-', ifRange: undefined });
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('takes what a server sends of a range, and asks for the rest', async () => {
    test.server.plan(STORE, cut(2_000), ({ response, headers, content }) =>
      send(response, 206, { ...headers, 'content-range': 'bytes 2000-2999/5000' }, content.subarray(2_000, 3_000)),
    );
    await test.pull();
    expect(test.asked(NAME)).toEqual([undefined, 'bytes=2000-', 'bytes=3000-']);
  });

  it('leaves bytes of another content alone', async () => {
    await mkdir(dirname(test.partial(NAME)), { recursive: true });
    for (const note of ['{"key":"of another commit","etag":null}', 'broken', undefined]) {
      await writeFile(test.partial(NAME), noise(5_001).subarray(1, 2_001));
      if (note !== undefined) await writeFile(`${test.partial(NAME)}.json`, note);
      const before = test.asked(NAME).length;
      await test.pull();
      expect(test.asked(NAME).slice(before)).toEqual([undefined]);
      expect(test.read(NAME)).toEqual(WEIGHTS);
      await writeFile(`${test.folder}/${NAME}`, 'spoilt');
      await mkdir(dirname(test.partial(NAME)), { recursive: true });
    }
  });

  it.each([
    [5_000, 0],
    [6_000, 1],
  ])('goes on from %i of 5000 bytes with %i requests', async (bytes, requests) => {
    test.server.plan(STORE, cut(100), status(500), status(500));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_UNAVAILABLE' });
    const before = test.asked(NAME).length;
    await writeFile(test.partial(NAME), Buffer.concat([WEIGHTS, WEIGHTS]).subarray(0, bytes));
    await test.pull();
    expect(test.asked(NAME).length - before).toBe(requests);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });
});
