import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { endless, HubServer, send, stallAt, status, type Behaviour } from '../hub-server.fixture.js';
import { fakeTimeouts, FILES, hurried } from '../pull.fixture.js';
import { HubClient } from './hub-client.js';
import { hubSettings } from './hub-settings.js';
import type { Pace } from './pace.js';
import { readText } from './read-text.js';

const PATH = `example/mine/resolve/${'a'.repeat(40)}/config.json`;
const LARGE = PATH.replace('config.json', 'model.safetensors');
let server: HubServer;
let stop: AbortController;
beforeEach(async () => {
  server = await HubServer.start();
  server.model(FILES);
  stop = new AbortController();
});
afterEach(async () => {
  jest.useRealTimers();
  await server.stop();
});

const client = (pace: Partial<Pace> = {}, token = 'hf_secret'): HubClient =>
  new HubClient(hubSettings({ ...server.environment, HF_TOKEN: token }), hurried(pace).pace, stop.signal);
const get = (path = PATH, pace: Partial<Pace> = {}) => client(pace).get({ path, subject: 'file' });
const redirect =
  (location: string): Behaviour =>
  ({ response }) =>
    send(response, 302, { location }, Buffer.alloc(0));

describe('a status', () => {
  it.each([
    [401, {}, { code: 'HUB_ACCESS', retry: 'permanent', token: 'sent' }],
    [403, {}, { code: 'HUB_ACCESS', retry: 'permanent', token: 'sent' }],
    [404, { 'x-error-code': 'RepoNotFound' }, { code: 'HUB_NOT_FOUND', retry: 'permanent', missing: 'model' }],
    [404, { 'x-error-code': 'RevisionNotFound' }, { code: 'HUB_NOT_FOUND', missing: 'revision' }],
    [404, { 'x-error-code': 'toString' }, { code: 'HUB_NOT_FOUND', missing: 'file' }],
    [408, {}, { code: 'HUB_UNAVAILABLE', retry: 'retryable', retryAfter: null }],
    [429, { 'retry-after': '7' }, { code: 'HUB_UNAVAILABLE', retry: 'retryable', retryAfter: 7_000 }],
    [500, {}, { code: 'HUB_UNAVAILABLE', retry: 'retryable' }],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, { code: 'HUB_UNAVAILABLE', retryAfter: 9_000 }],
    [410, {}, { code: 'HUB_STATUS', retry: 'permanent', status: 410 }],
    [204, {}, { code: 'HUB_STATUS', status: 204 }],
  ])('%i with %j', async (code, headers, error) => {
    server.plan('hub config.json', status(code, headers));
    await expect(get(PATH, { now: () => Date.UTC(2026, 0, 1) })).rejects.toMatchObject(error);
  });

  it('401 without a token says that one may be needed', async () => {
    server.plan('hub config.json', status(401));
    await expect(client({}, '').get({ path: PATH, subject: 'file' })).rejects.toMatchObject({
      code: 'HUB_ACCESS',
      token: 'absent',
      message: expect.stringContaining('needs a token'),
    });
  });

  it('403 of the store has nothing to do with the token', async () => {
    server.plan('store model.safetensors', status(403));
    await expect(get(LARGE)).rejects.toMatchObject({ code: 'HUB_STATUS', status: 403 });
  });
});

describe('redirects', () => {
  const redirected = (): string => `${server.endpoint}/${PATH}`;

  it('to the same origin, relative or not, carry the token', async () => {
    server.plan('hub config.json', redirect(`/${PATH}`), redirect(redirected()));
    expect(await readText(await get(), 100)).toBe(FILES['config.json']);
    expect(server.requests.map(({ authorization }) => authorization)).toEqual(Array(3).fill('Bearer hf_secret'));
  });

  it('to another origin do not, nor does what comes back from there', async () => {
    server.plan('store model.safetensors', redirect(redirected()));
    expect(await readText(await get(LARGE), 100)).toBe(FILES['config.json']);
    expect(server.requests.map(({ what, authorization }) => [what, authorization])).toEqual([
      ['hub model.safetensors', 'Bearer hf_secret'],
      ['store model.safetensors', undefined],
      ['hub config.json', undefined],
    ]);
  });

  it('say what the hub says, not what the store says', async () => {
    server.plan('store model.safetensors', ({ response, content }) =>
      send(response, 200, { 'x-repo-commit': 'of the store', 'x-linked-size': '1' }, content),
    );
    const answer = await get(LARGE);
    expect(answer.told).toMatchObject({ commit: 'a'.repeat(40), bytes: '5000' });
    expect(answer.url).not.toContain('secret');
    await answer.discard();
  });

  it.each([
    ['in a loop', () => `/${PATH}`, 11, 'more than 10 times'],
    ['to nowhere', () => '', 1, 'to no address'],
    ['to what is no address', () => 'http://[', 1, 'to no address'],
    ['to another protocol', () => 'file:///etc/passwd', 1, 'to file:'],
    ['with a password', () => 'http://user:secret@127.0.0.1/', 1, 'with a password'],
  ])('%s are refused', async (_what, location, requests, reason) => {
    const empty: Behaviour = ({ response }) => send(response, 302, {}, Buffer.alloc(0));
    server.plan(
      'hub config.json',
      ...Array.from({ length: 20 }, () => (location() === '' ? empty : redirect(location()))),
    );
    await expect(get()).rejects.toMatchObject({
      code: 'HUB_REDIRECT',
      retry: 'permanent',
      reason: expect.stringContaining(reason),
    });
    expect(server.requests).toHaveLength(requests);
  });
});

describe('a connection', () => {
  it('that cannot be made is retryable', async () => {
    const gone = await HubServer.start();
    const { environment } = gone;
    await gone.stop();
    const refused = new HubClient(hubSettings(environment), hurried().pace, stop.signal).get({
      path: PATH,
      subject: 'file',
    });
    await expect(refused).rejects.toMatchObject({
      code: 'HUB_CONNECTION',
      retry: 'retryable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('that ends before the answer, or in its midst, is retryable', async () => {
    server.plan('hub config.json', ({ response }) => void response.destroy());
    await expect(get()).rejects.toMatchObject({ code: 'HUB_CONNECTION', retry: 'retryable' });
    server.plan('hub config.json', ({ response }) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    });
    await expect(get().then((answer) => readText(answer, 100))).rejects.toMatchObject({
      code: 'HUB_CONNECTION',
      retry: 'retryable',
    });
  });

  it('on which nothing comes is given up, before the answer and in its midst', async () => {
    server.plan('hub config.json', () => undefined);
    await expect(get(PATH, { idleMilliseconds: 30 })).rejects.toMatchObject({
      code: 'HUB_STALLED',
      retry: 'retryable',
      milliseconds: 30,
    });
    server.plan('hub config.json', stallAt(5));
    await expect(get(PATH, { idleMilliseconds: 30 }).then((answer) => readText(answer, 100))).rejects.toMatchObject({
      code: 'HUB_STALLED',
    });
  });

  it('waits for a slow reader as long as it takes', async () => {
    fakeTimeouts();
    const chunks: Buffer[] = [];
    for await (const chunk of (await get(LARGE)).body()) {
      jest.advanceTimersByTime(3_600_000);
      chunks.push(Buffer.from(chunk));
    }
    expect(Buffer.concat(chunks)).toEqual(FILES['model.safetensors']);
  });

  it('ends when the caller stops, with the reason of the signal', async () => {
    server.plan('hub config.json', () => stop.abort(new Error('enough')));
    await expect(get()).rejects.toThrow('enough');
    await expect(get()).rejects.toThrow('enough');
  });

  it('without end is ended at the limit', async () => {
    const left = new Promise<void>((resolve) => server.plan('hub config.json', endless(resolve)));
    await expect(get().then((answer) => readText(answer, 100_000))).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      retry: 'permanent',
      reason: 'more than 100000 bytes',
    });
    await left;
  });
});
