import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer, type RunningServer } from './server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const LIMIT = 100_000;
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(
    {
      ...parseConfiguration(
        { ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts', PORT: '0', KIMERA_API_KEYS: 'secret' },
        root,
      ),
      bodyLimitBytes: LIMIT,
    },
    pino({ enabled: false }),
  );
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
  ['two lengths', ['content-length: 3', 'content-length: 5']],
  ['a length and chunks', ['content-length: 3', 'transfer-encoding: chunked']],
])('%s are 400', async (_what, lines) => {
  const client = new Client();
  await client.write(head('/embed', [JSON_TYPE, ...lines]));
  await once(client.socket, 'close');
  expect(client.answer.status).toBe(400);
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
