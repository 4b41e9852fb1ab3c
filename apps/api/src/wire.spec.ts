import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningServer } from './server.js';
import { startSmallServer } from './small-server.fixture.js';

const LIMIT = 100_000;
let server: RunningServer;
beforeAll(async () => {
  server = await startSmallServer({ KIMERA_API_KEYS: 'secret' }, { bodyLimitBytes: LIMIT });
});
afterAll(() => server.close());

const KEY = 'authorization: Bearer secret';
const JSON_TYPE = 'content-type: application/json';
const EMBED = { inputs: 'a cat' };

/** What a client gets that writes bytes as they are. */
interface Answer {
  readonly text: string;
  readonly status: number;
  /** Bytes that were written when the first byte of the answer came. */
  readonly written: number;
}

class Client {
  readonly socket: Socket;
  #text = '';
  #written = 0;
  #writtenAtAnswer: number | undefined;
  constructor(options: { readonly allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', ...options });
    this.socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        this.#writtenAtAnswer ??= this.#written;
        this.#text += chunk.toString('latin1');
      });
  }
  async write(data: string | Buffer): Promise<void> {
    this.#written += data.length;
    await new Promise<void>((resolve) => this.socket.write(data, () => resolve()));
  }
  async until(pattern: RegExp): Promise<Answer> {
    while (!pattern.test(this.#text) && !this.socket.closed)
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.answer;
  }
  get answer(): Answer {
    return {
      text: this.#text,
      status: Number(/^HTTP\/1\.1 ([2-5]\d\d)/m.exec(this.#text)?.[1] ?? 0),
      written: this.#writtenAtAnswer ?? 0,
    };
  }
}
const WHOLE = /^HTTP\/1\.1 [2-5]\d\d[^]*\r\n\r\n[^]*[}\]]/m;

function head(path: string, lines: readonly string[], method = 'POST'): string {
  return [`${method} ${path} HTTP/1.1`, 'host: a', KEY, ...lines, '', ''].join('\r\n');
}

const post = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret', ...headers },
  });
const json = JSON.stringify(EMBED);
const errorOf = async (response: Response): Promise<string> => JSON.stringify(await response.json());

describe('the type of a body', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf8',
    'application/json; charset=UTF-8',
    'application/json; charset="utf-8"',
    "application/json; charset='utf-8'".replaceAll("'", '"'),
    'application/vnd.api+json; profile=x',
  ])('%s is read', async (type) => {
    expect((await post('/embed', json, { 'content-type': type })).status).toBe(200);
  });
  it.each([
    ['text/plain', 'expected application/json'],
    ['application/x-www-form-urlencoded', 'expected application/json'],
    ['application/json; charset=utf-16', 'utf-16'],
    ['application/json; charset=latin1', 'latin1'],
    ['application/jsonp', 'expected application/json'],
    ['json', 'expected application/json'],
  ])('%s is refused with 415', async (type, words) => {
    const response = await post('/embed', json, { 'content-type': type });
    expect([response.status, await errorOf(response)]).toEqual([415, expect.stringContaining(words)]);
  });
});

describe('a compressed body', () => {
  const codings: [string, (data: Buffer) => Buffer][] = [
    ['gzip', zlib.gzipSync],
    ['x-gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['br', zlib.brotliCompressSync],
  ];
  it.each(codings)('%s is read', async (name, compress) => {
    const response = await post('/embed', new Uint8Array(compress(Buffer.from(json))), { 'content-encoding': name });
    expect(response.status).toBe(200);
  });
  it.each(codings)('%s that is damaged, or ends early, is 400', async (name, compress) => {
    const whole = compress(Buffer.from(JSON.stringify({ inputs: Array.from({ length: 500 }, (_, i) => `text ${i}`) })));
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 4, 40);
    for (const bytes of [
      whole.subarray(0, whole.length / 2),
      damaged,
      Buffer.from('{"inputs":"a"}'),
      whole.subarray(0, 1),
    ])
      for (const path of ['/embed', '/v1/embeddings']) {
        const response = await post(path, new Uint8Array(bytes), { 'content-encoding': name });
        expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining('Content-Encoding')]);
      }
  });
  it.each(codings)('%s of more than the limit is 413, however small it is', async (name, compress) => {
    const bomb = compress(Buffer.from(JSON.stringify({ inputs: 'a'.repeat(10_000_000) })));
    expect(bomb.length).toBeLessThan(LIMIT);
    const before = process.memoryUsage.rss();
    const response = await post('/embed', new Uint8Array(bomb), { 'content-encoding': name });
    expect(response.status).toBe(413);
    expect(process.memoryUsage.rss() - before).toBeLessThan(20e6);
  });
  it.each(['compress', 'gzip, br', 'base64', 'nonsense'])('%s is 415, and says what is read', async (name) => {
    const response = await post('/v1/embeddings', json, { 'content-encoding': name });
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-encoding')).toContain('gzip, deflate, br');
    expect(await errorOf(response)).toMatch(/unsupported content encoding.*gzip, deflate, br/);
  });
  it('in zstd is read where Node can, and 415 elsewhere', async () => {
    const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (data: Buffer) => Buffer };
    const body = zstdCompressSync?.(Buffer.from(json)) ?? Buffer.from('anything');
    const response = await post('/embed', new Uint8Array(body), { 'content-encoding': 'zstd' });
    expect(response.status).toBe(zstdCompressSync === undefined ? 415 : 200);
  });
});

describe('a body beyond the limit', () => {
  it('of which the headers tell is refused before it comes', async () => {
    const client = new Client();
    await client.write(head('/embed', [JSON_TYPE, 'content-length: 200000000']));
    const answer = await client.until(WHOLE);
    expect([answer.status, answer.written < 1_000]).toEqual([413, true]);
    expect(answer.text).toMatch(/connection: close/i);
    client.socket.destroy();
  });
  it('in chunks is refused once there are more, and the connection ends', async () => {
    const client = new Client();
    await client.write(head('/v1/embeddings', [JSON_TYPE, 'transfer-encoding: chunked']));
    const chunk = `4000\r\n${'a'.repeat(0x4000)}\r\n`;
    let chunks = 0;
    while (!client.socket.closed && client.answer.status === 0 && chunks < 10_000) {
      await client.write(chunk);
      chunks += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([client.answer.status, chunks < 200]).toEqual([413, true]);
    while (!client.socket.closed && chunks < 10_000) {
      await client.write(chunk);
      chunks += 1;
    }
    // 160 MB were not taken.
    expect(chunks).toBeLessThan(10_000);
  });
  it.each([
    ['too long', '/embed', 413, ['content-length: 200000000', JSON_TYPE]],
    ['of another type', '/embed', 415, ['content-length: 20', 'content-type: text/plain']],
    ['to a path that is not there', '/nothing', 404, ['content-length: 20', JSON_TYPE]],
  ])('%s is refused before 100 Continue', async (_what, path, status, lines) => {
    const client = new Client();
    await client.write(head(path, [...lines, 'expect: 100-continue']));
    await once(client.socket, 'close');
    expect(client.answer.text).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  });
  it('without a key is refused before 100 Continue', async () => {
    const client = new Client();
    await client.write(head('/embed', [JSON_TYPE, 'content-length: 20', 'expect: 100-continue']).replace(KEY, 'a: b'));
    await once(client.socket, 'close');
    expect(client.answer.text).toMatch(/^HTTP\/1.1 401[^]*WWW-Authenticate: Bearer/);
  });
});

it('tells a client to continue once, and answers', async () => {
  const client = new Client();
  await client.write(head('/embed', [JSON_TYPE, `content-length: ${json.length}`, 'expect: 100-continue']));
  await client.until(/100 Continue/);
  await client.write(json);
  const { text } = await client.until(WHOLE);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  client.socket.destroy();
});

it('answers a client that ended its side of the connection', async () => {
  const client = new Client({ allowHalfOpen: true });
  client.socket.end(head('/embed', [JSON_TYPE, `content-length: ${json.length}`]) + json);
  await once(client.socket, 'close');
  expect(client.answer.text).toMatch(/^HTTP\/1.1 200[^]*\[\[/);
});

it.each([
  ['two Host headers', ['Host: b']],
  ['two keys', ['Authorization: Bearer other']],
  ['two types', ['Content-Type: text/plain']],
  ['two lengths', ['content-length: 3', 'content-length: 5']],
  ['a length and chunks', ['content-length: 3', 'transfer-encoding: chunked']],
])('%s are 400', async (_what, lines) => {
  const client = new Client();
  await client.write(head('/embed', [JSON_TYPE, ...lines]));
  await once(client.socket, 'close');
  expect(client.answer.status).toBe(400);
});

it.each([
  ['no Host', 400, 'POST /embed HTTP/1.1'],
  ['a Host of two words', 400, 'POST /embed HTTP/1.1\r\nhost: a b'],
  ['a Host with a path', 400, 'POST /embed HTTP/1.1\r\nhost: a/b'],
  ['a Host with a user', 400, 'POST /embed HTTP/1.1\r\nhost: a@b'],
  ['a Host whose port is none', 400, 'POST /embed HTTP/1.1\r\nhost: a:b'],
  ['chunks in HTTP/1.0', 400, 'POST /embed HTTP/1.0\r\ntransfer-encoding: chunked'],
  ['a coding before chunked', 400, 'POST /embed HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked'],
  ['an expectation that nobody knows', 417, 'POST /v1/embeddings HTTP/1.1\r\nhost: a\r\nexpect: tea'],
  ['CONNECT', 405, 'CONNECT a.example:443 HTTP/1.1\r\nhost: a'],
  ['a method that nobody knows', 400, 'BREW /embed HTTP/1.1\r\nhost: a'],
  ['headers of 40 KB', 431, `GET /embed HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(40_000)}`],
])('%s: %i with an id and a reason, and the connection ends', async (_what, status, lines) => {
  const client = new Client({ allowHalfOpen: true });
  await client.write(`${lines}\r\n${KEY}\r\n${JSON_TYPE}\r\n\r\n`);
  await once(client.socket, 'end');
  client.socket.destroy();
  expect(client.answer.text).toMatch(
    new RegExp(`^HTTP/1.1 ${status} [^]*x-request-id: [0-9a-f-]{36}\r\n[^]*\\{"error":[^]+\\}`),
  );
  expect(client.answer.text).toMatch(/^connection: close\r$/im);
  if (status === 405) expect(client.answer.text).toContain('\r\nAllow: ');
});

it('takes HTTP/1.0 without a Host', async () => {
  const client = new Client({ allowHalfOpen: true });
  await client.write(`POST /embed HTTP/1.0\r\n${KEY}\r\n${JSON_TYPE}\r\ncontent-length: ${json.length}\r\n\r\n${json}`);
  await once(client.socket, 'end');
  expect(client.answer.status).toBe(200);
});

it.each([
  ['/health/', 200],
  ['/HEALTH', 200],
  ['/Livez/', 200],
  ['/info/', 401],
  ['/healthy', 401],
  ['//health', 401],
])('without a key %s, another form of a path, is %i', async (path, status) => {
  expect((await fetch(server.url + path)).status).toBe(status);
});

it.each([
  ['Bearer secret', 200],
  ['bearer  secret ', 200],
  ['Bearer secret more', 401],
  ['Bearer secret,more', 401],
  ['Bearersecret', 401],
  ['secret', 401],
  ['Basic secret', 401],
  ['Bearer ', 401],
])('Authorization: %s is %i', async (authorization, status) => {
  expect((await post('/embed', json, { authorization })).status).toBe(status);
});

it.each([
  ['/V1/embeddings', { code: 'invalid_request' }],
  ['/v1/embeddings/', { code: 'invalid_request' }],
  ['/EMBED', undefined],
])('%s, another form of a path, refuses in the words of its contract', async (path, error) => {
  const answer: unknown = await (await post(path, '{}')).json();
  expect(answer).toEqual(
    error === undefined
      ? { error: expect.any(String), error_type: 'Validation' }
      : { error: expect.objectContaining(error) },
  );
});

it.each([
  ['/v1/embeddings', { input: 'a', model: 'M' }],
  ['/v1/embeddings', { input: 'a', model: 'a', input_type: 'M' }],
  ['/v1/encode', { inputs: 'a', role: 'M' }],
  ['/embed', { inputs: 'a', prompt_name: 'M' }],
  ['/tokenize', { inputs: 'a', prompt_name: 'M' }],
  ['/v1/rerank', { query: 'a', documents: ['b'], score: 'M' }],
])('%s %j repeats little of what was sent, however long it is', async (path, body) => {
  const response = await post(path, JSON.stringify(body).replace('"M"', `"${'M'.repeat(50_000)}"`));
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect((await response.text()).length).toBeLessThan(4_000);
});

describe('every answer', () => {
  it('has the id of its request', async () => {
    for (const [path, status] of [
      ['/embed', 200],
      ['/nothing', 404],
      ['/v1/embeddings', 400],
    ] as const) {
      const given = await post(path, json, { 'x-request-id': 'trace:1/a' });
      expect([given.status, given.headers.get('x-request-id')]).toEqual([status, 'trace:1/a']);
      const made = await post(path, json, { 'x-request-id': 'a b' });
      expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
  it('of 401 says how to authenticate', async () => {
    const response = await post('/embed', json, { authorization: 'Bearer wrong' });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });
});

it.each(['/v1/models', '/info', '/health', '/ping', '/metrics', '/'])(
  'HEAD %s is GET without its body',
  async (path) => {
    const headers = { authorization: 'Bearer secret' };
    const [read, looked] = await Promise.all([
      fetch(server.url + path, { headers }),
      fetch(server.url + path, { headers, method: 'HEAD' }),
    ]);
    expect([looked.status, looked.headers.get('content-type'), await looked.text()]).toEqual([
      read.status,
      read.headers.get('content-type'),
      '',
    ]);
    expect(read.status).toBe(200);
  },
);

it('ignores the body of a GET', async () => {
  const client = new Client();
  await client.write(head('/info', ['content-length: 5', 'content-type: text/plain'], 'GET') + 'hello');
  expect((await client.until(WHOLE)).status).toBe(200);
  client.socket.destroy();
});

it('answers the health at / without a key, and embeds there with one', async () => {
  expect((await fetch(`${server.url}/`)).status).toBe(200);
  expect((await fetch(`${server.url}/`, { method: 'POST', body: json })).status).toBe(401);
  expect((await post('/', json)).status).toBe(200);
});

it('answers HTTP/1.0, and closes', async () => {
  const client = new Client();
  await client.write(head('/embed', [JSON_TYPE, `content-length: ${json.length}`]).replace('1.1', '1.0') + json);
  await once(client.socket, 'close');
  expect(client.answer.text).toMatch(/^HTTP\/1\.1 200[^]*\r\nConnection: close[^]*\[\[/i);
});

it('says of each answer what it is, and that it is for nobody else', async () => {
  for (const path of ['/health', '/nothing']) {
    const { headers } = await fetch(server.url + path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBe(null);
  }
});

it('lets no page of another origin ask', async () => {
  const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' };
  const preflight = await fetch(`${server.url}/v1/embeddings`, { method: 'OPTIONS', headers });
  expect([preflight.ok, preflight.headers.get('access-control-allow-origin')]).toEqual([false, null]);
});

describe('paths and names that mean something to the machine', () => {
  it.each([
    '/../../etc/passwd',
    '/v1/models/..%2F..%2Fetc%2Fpasswd',
    '/v1/models/%2e%2e/%2e%2e/etc/passwd',
    '/v1/collections/..%2F..%2Fsecret/search',
    '/docs/../../package.json',
    '/v1/models/__proto__',
    '/v1/models/constructor',
    '/%00',
    '//evil.example.com/',
  ])('%s is no file', async (path) => {
    const client = new Client();
    await client.write(head(path, [], 'GET'));
    const { status, text } = await client.until(WHOLE);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(/root:|"workspaces"|at \S+ \(/);
    client.socket.destroy();
  });
  it.each(['__proto__', 'constructor', 'prototype'])('a field %s changes nothing', async (name) => {
    const response = await post('/embed', `{"inputs":"a","${name}":{"truncate":true,"polluted":1}}`);
    expect(response.status).toBe(200);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect((await post('/embed', `{"${name}":{"inputs":"a"}}`)).status).toBe(422);
  });
  it.each(['__proto__', 'constructor', 'toString'])('a model, prompt or role %s is none', async (name) => {
    expect((await post('/v1/embeddings', JSON.stringify({ model: name, input: 'a' }))).status).toBe(404);
    expect((await post('/embed', JSON.stringify({ inputs: 'a', prompt_name: name }))).status).toBe(422);
    expect((await post('/v1/encode', JSON.stringify({ inputs: 'a', role: name }))).status).toBe(400);
  });
});

describe('a server behind a proxy, with pages of other origins', () => {
  const ORIGIN = 'https://app.example.com';
  let proxied: RunningServer;
  beforeAll(async () => {
    proxied = await startSmallServer({
      KIMERA_API_KEYS: 'secret',
      KIMERA_CORS_ORIGINS: `${ORIGIN},http://localhost:5173`,
      KIMERA_PATH_PREFIX: '/api/v2',
      KIMERA_TRUST_PROXY: 'loopback',
    });
  });
  afterAll(() => proxied.close());
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(proxied.url + path, init);

  it('answers a preflight without a key, and allows what it asks for', async () => {
    const asked = 'authorization,content-type,x-stainless-arch,x-stainless-runtime';
    const response = await ask('/api/v2/v1/embeddings', {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    expect(response.headers.get('access-control-allow-headers')).toBe(asked);
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('vary')).toMatch(/origin/i);
  });

  it('tells another origin nothing', async () => {
    const headers = { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' };
    const response = await ask('/api/v2/v1/embeddings', { method: 'OPTIONS', headers });
    expect(response.headers.get('access-control-allow-origin')).toBe(null);
  });

  it('lets pages read answers and refusals, and our headers', async () => {
    for (const authorization of ['Bearer secret', 'Bearer wrong']) {
      const response = await ask('/api/v2/embed', {
        method: 'POST',
        body: json,
        headers: { origin: ORIGIN, authorization, 'content-type': 'application/json' },
      });
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
        authorization.endsWith('secret') ? 200 : 401,
        ORIGIN,
      ]);
      expect(response.headers.get('access-control-expose-headers')).toContain('x-embedding-space');
    }
  });

  it.each([
    ['/api/v2/health', 200],
    ['/api/v2/', 200],
    ['/api/v2', 200],
    ['/health', 200],
    ['/metrics', 200],
    ['/api/v2/info', 401],
    ['/info', 404],
    ['/', 404],
    ['/api/v2health', 404],
    ['/api', 404],
  ])('%s is %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
  });
});
