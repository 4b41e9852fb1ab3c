import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { COMMIT, endless, gitSha1, instead, send, sha256, status, type Behaviour } from '../hub-server.fixture.js';
import { FILES, hurried, noise, PullTest, WEIGHTS } from '../pull.fixture.js';

const NAME = 'model.safetensors';
const STORE = `store ${NAME}`;
let test: PullTest;
beforeEach(async () => {
  test = await PullTest.start();
});
afterEach(() => test.end());

const model = (listing?: (honest: readonly Record<string, unknown>[]) => readonly unknown[]): void =>
  test.server.model(FILES, listing === undefined ? {} : { listing });
/** The listing of a mirror that knows names alone. */
const namesAlone = (honest: readonly Record<string, unknown>[]): readonly unknown[] =>
  honest.map(({ rfilename }) => ({ rfilename }));
const wrong = noise(5_001).subarray(1);

describe('wrong bytes', () => {
  it('are fetched once more from the first byte', async () => {
    model();
    test.server.plan(STORE, instead(wrong));
    await test.pull();
    expect(test.asked(NAME)).toEqual([undefined, undefined]);
    expect(test.read(NAME)).toEqual(WEIGHTS);
  });

  it('are refused the second time, and nothing of them is kept', async () => {
    model();
    test.server.plan(STORE, instead(wrong), instead(wrong));
    await expect(test.pull()).rejects.toMatchObject({
      code: 'HUB_FILE_HASH',
      retry: 'permanent',
      algorithm: 'SHA-256',
      expected: sha256(WEIGHTS),
      actual: sha256(wrong),
    });
    expect(test.asked(NAME)).toHaveLength(2);
    expect(test.files().filter((name) => name.includes(NAME))).toEqual([]);
  });

  it('of a small file are seen by git’s hash', async () => {
    model();
    const other = Buffer.from('{"model_type":"BERT"}');
    test.server.plan('hub config.json', instead(other), instead(other));
    await expect(test.pull()).rejects.toMatchObject({
      code: 'HUB_FILE_HASH',
      algorithm: 'git SHA-1',
      expected: gitSha1(Buffer.from(FILES['config.json'] ?? '')),
    });
  });

  it('that the hub itself announces are not fetched', async () => {
    model();
    const announce: Behaviour = ({ response, headers }) =>
      send(
        response,
        302,
        { ...headers, 'x-linked-etag': `"${sha256(wrong)}"`, location: `${test.server.storeOrigin}/x` },
        Buffer.alloc(0),
      );
    test.server.plan(`hub ${NAME}`, announce, announce);
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_FILE_HASH', actual: sha256(wrong) });
  });
});

describe('lengths that lie', () => {
  const claims =
    (bytes: number): Behaviour =>
    ({ response, headers, content }) => {
      response
        .writeHead(200, { ...headers, 'content-length': String(bytes) })
        .write(content.subarray(0, Math.min(bytes, content.length)));
      if (bytes <= content.length) response.end();
    };

  it.each([[4_999], [5_001], [10 ** 14]])('Content-Length %i of 5000 is refused before the body', async (bytes) => {
    model();
    test.server.plan(STORE, claims(bytes), claims(bytes));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_FILE_SIZE', expected: 5_000, actual: bytes });
    expect(test.files().filter((name) => name.includes(NAME))).toEqual([]);
  });

  it('X-Linked-Size is refused too', async () => {
    model();
    const lie: Behaviour = ({ response, headers }) =>
      send(
        response,
        302,
        { ...headers, 'x-linked-size': '1', location: `${test.server.storeOrigin}/x` },
        Buffer.alloc(0),
      );
    test.server.plan(`hub ${NAME}`, lie, lie);
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_FILE_SIZE', expected: 5_000, actual: 1 });
  });

  it('a body without length and end is stopped at the first chunk too much', async () => {
    model();
    const left: Promise<void>[] = [];
    for (let i = 0; i < 2; i++) left.push(new Promise((resolve) => test.server.plan(STORE, endless(resolve))));
    const error = await test.pull().catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ code: 'HUB_FILE_SIZE', expected: 5_000 });
    // One chunk of a socket has 64 kB.
    expect(z.object({ actual: z.number() }).parse(error).actual).toBeLessThanOrEqual(5_000 + (1 << 16));
    await Promise.all(left);
    expect(test.files().filter((name) => name.includes(NAME))).toEqual([]);
  });

  it('a body without length that is too short is asked for the rest', async () => {
    model();
    test.server.plan(
      STORE,
      ({ response, headers, content }) => void response.writeHead(200, headers).end(content.subarray(0, 3_000)),
    );
    await test.pull();
    expect(test.asked(NAME)).toEqual([undefined, 'bytes=3000-']);
  });
});

describe('an answer', () => {
  it('of another commit is refused', async () => {
    model();
    test.server.plan(`hub ${NAME}`, ({ response, headers, content }) =>
      send(response, 200, { ...headers, 'x-repo-commit': 'b'.repeat(40) }, content),
    );
    await expect(test.pull()).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: `it is of commit ${'b'.repeat(40)} instead of ${COMMIT}`,
    });
  });

  it('that is encoded is refused', async () => {
    model();
    test.server.plan(STORE, instead(WEIGHTS, { 'content-encoding': 'x-own' }));
    await expect(test.pull()).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: expect.stringContaining('x-own'),
    });
  });

  it('gives size and hash where the listing has none', async () => {
    model(namesAlone);
    const { files } = await test.pull();
    expect(files.find(({ path }) => path === NAME)).toMatchObject({ bytes: 5_000, sha256: sha256(WEIGHTS) });
    for (const [what, content] of [
      [STORE, WEIGHTS],
      ['hub config.json', Buffer.from(FILES['config.json'] ?? '')],
    ] as const) {
      const changed = Buffer.from(content);
      changed[0] = 0;
      test.server.plan(what, instead(changed), instead(changed));
      await expect(test.pull({ folder: `${test.folder}-${what.length}` })).rejects.toMatchObject({
        code: 'HUB_FILE_HASH',
      });
    }
  });

  it('without size and hash is refused where the listing has none either', async () => {
    model(namesAlone);
    test.server.plan('hub config.json', ({ response, content }) => send(response, 200, { etag: '"5f3c-61"' }, content));
    await expect(test.pull()).rejects.toMatchObject({ code: 'UNVERIFIABLE_FILE', file: 'config.json' });
    test.server.plan(
      'hub config.json',
      ({ response, content }) => void response.writeHead(200, { etag: `"${gitSha1(content)}"` }).write(content),
    );
    await expect(test.pull()).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: expect.stringContaining('how many bytes'),
    });
  });

  it.each([
    [401, 'HUB_ACCESS', 1],
    [403, 'HUB_ACCESS', 1],
    [404, 'HUB_NOT_FOUND', 1],
    [429, 'HUB_UNAVAILABLE', 3],
    [500, 'HUB_UNAVAILABLE', 3],
  ])('%i is %s after %i requests', async (code, name, requests) => {
    model();
    test.server.plan('hub config.json', ...Array.from({ length: 5 }, () => status(code)));
    await expect(test.pull()).rejects.toMatchObject({ code: name });
    expect(test.asked('config.json')).toHaveLength(requests);
  });

  it('429 is waited for as the hub asks', async () => {
    model();
    test.server.plan(
      'hub config.json',
      status(429, { 'retry-after': '5' }),
      status(429, { 'retry-after': 'Thu, 01 Jan 2026 00:00:40 GMT' }),
    );
    const { pace, waits } = hurried({ now: () => Date.UTC(2026, 0, 1) });
    await test.pull({ pace });
    expect(waits).toEqual([5_000, 40_000]);
  });
});

it('an empty file needs no request', async () => {
  test.server.model({ ...FILES, 'vocab.txt': '' });
  await test.pull();
  expect(test.read('vocab.txt')).toHaveLength(0);
  expect(test.asked('vocab.txt')).toEqual([]);
});
