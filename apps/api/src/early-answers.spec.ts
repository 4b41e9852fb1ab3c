import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { z } from 'zod';
import type { RunningServer } from './server.js';
import { startSmallServer } from './small-server.fixture.js';

const ORIGIN = 'https://app.example';
const log: string[] = [];
let server: RunningServer;
beforeAll(async () => {
  server = await startSmallServer(
    {
      KIMERA_API_KEYS: 'secret',
      KIMERA_CORS_ORIGINS: `${ORIGIN},https://other.example`,
      KIMERA_PATH_PREFIX: '/api',
      MAX_BODY_BYTES: '1000',
      BODY_TIMEOUT_SECONDS: '1',
    },
    { logger: pino({}, { write: (line: string) => void log.push(line) }) },
  );
});
afterAll(() => server.close());
beforeEach(() => void log.splice(0));

const lines = z.object({ msg: z.string(), status: z.int().optional(), request: z.string().optional() });
/** Of requests, as the log has them. */
const logged = (): readonly z.infer<typeof lines>[] =>
  log.map((line) => lines.parse(JSON.parse(line))).filter(({ msg }) => msg === 'request');

async function failures(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer secret' } })).text();
  return [...text.matchAll(/^te_request_failure\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** All that comes back for these bytes until the connection ends. */
async function send(...parts: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  for (const part of parts) socket.write(part);
  // An answer whose connection stays open is whole once its JSON ends.
  while (!socket.closed && !/^HTTP\/1\.1 [2-5]\d\d[^]*\r\n\r\n\{[^]*\}$/m.test(text))
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  socket.destroy();
  return text;
}

const lineOf = (method: string, path: string): string =>
  `${method} ${path} HTTP/1.1\r\nhost: a\r\norigin: ${ORIGIN}\r\n`;
const KEY = 'authorization: Bearer secret\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';
const CHUNKED = `${JSON_TYPE}transfer-encoding: chunked\r\n`;
const openaiError = z.object({
  error: z.object({ message: z.string().min(1), type: z.string(), param: z.string().nullable(), code: z.string() }),
});
const teiError = z.object({ error: z.string().min(1), error_type: z.string() });

describe('an answer that is made before, or instead of, that of a route', () => {
  it.each([
    ['no such path', 404, '/api/v1/nothing', `${lineOf('GET', '/api/v1/nothing')}${KEY}\r\n`],
    ['no such path of the other contract', 404, '/api/nothing', `${lineOf('GET', '/api/nothing')}${KEY}\r\n`],
    ['a path outside of the prefix', 404, '/v1/models', `${lineOf('GET', '/v1/models')}${KEY}\r\n`],
    ['another method', 405, '/api/v1/models', `${lineOf('DELETE', '/api/v1/models')}${KEY}\r\n`],
    ['OPTIONS that is no preflight', 405, '/api/v1/models', `${lineOf('OPTIONS', '/api/v1/models')}${KEY}\r\n`],
    ['no key', 401, '/api/v1/models', `${lineOf('GET', '/api/v1/models')}\r\n`],
    ['a path that is not percent-encoded', 400, '/api/v1/models/', `${lineOf('GET', '/api/v1/models/%zz')}${KEY}\r\n`],
    ['two hosts', 400, '/api/v1/models', `${lineOf('GET', '/api/v1/models')}host: b\r\n${KEY}\r\n`],
    ['no host', 400, '/api/v1/models', `GET /api/v1/models HTTP/1.1\r\norigin: ${ORIGIN}\r\n${KEY}\r\n`],
    [
      'a transfer coding',
      400,
      '/api/embed',
      `${lineOf('POST', '/api/embed')}${KEY}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'an expectation',
      417,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}${KEY}${JSON_TYPE}expect: a pony\r\ncontent-length: 5\r\n\r\n`,
    ],
    [
      'a large body',
      413,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}${KEY}${JSON_TYPE}content-length: 5000\r\n\r\n`,
    ],
    [
      'a large body in chunks',
      413,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}${KEY}${CHUNKED}\r\n7d0\r\n${'a'.repeat(2_000)}\r\n`,
    ],
    [
      'another type',
      415,
      '/api/embed',
      `${lineOf('POST', '/api/embed')}${KEY}content-type: text/plain\r\ncontent-length: 1\r\n\r\na`,
    ],
    [
      'no JSON',
      400,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}${KEY}${JSON_TYPE}content-length: 1\r\n\r\na`,
    ],
    [
      'two lengths',
      400,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}content-length: 1\r\ncontent-length: 2\r\n\r\n`,
    ],
    [
      'a chunk that is none',
      400,
      '/api/v1/embeddings',
      `${lineOf('POST', '/api/v1/embeddings')}${KEY}${CHUNKED}\r\nZZ\r\n\r\n`,
    ],
    [
      'a chunk that is none, later',
      400,
      '/api/embed',
      `${lineOf('POST', '/api/embed')}${KEY}${CHUNKED}\r\n1\r\n{\r\nZZ\r\n\r\n`,
    ],
    [
      'a body that does not come',
      408,
      '/api/embed',
      `${lineOf('POST', '/api/embed')}${KEY}${JSON_TYPE}content-length: 100\r\n\r\n{`,
    ],
    ['headers that are too large', 431, '/v1', `${lineOf('GET', '/api/v1/models')}x: ${'a'.repeat(40_000)}\r\n\r\n`],
    ['no HTTP', 400, '/v1', 'hello\r\n\r\n'],
    ['CONNECT', 405, '/v1', `CONNECT example.com:443 HTTP/1.1\r\nhost: a\r\norigin: ${ORIGIN}\r\n\r\n`],
  ])(
    '%s: %i in the form of its contract, readable for pages, with an id, told once',
    async (_what, status, path, bytes) => {
      const before = await failures();
      log.splice(0);
      const answer = await send(bytes);
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(head).toMatch(/^content-type: application\/json/im);
      expect(head).toMatch(/^x-content-type-options: nosniff/im);
      const schema = path.includes('/v1') ? openaiError : teiError;
      expect(schema.safeParse(JSON.parse(body)).success).toBe(true);
      // Of bytes that are no request, or headers that did not all come, no origin is known.
      if (bytes.includes('origin') && status !== 431)
        expect(head).toMatch(new RegExp(`^access-control-allow-origin: ${ORIGIN}`, 'im'));
      const id = /^x-request-id: (\S+)/im.exec(head)?.[1] ?? 'none';
      while (logged().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      // What follows for the same request would be told here.
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(logged()).toEqual([{ msg: 'request', status, request: id }]);
      expect((await failures()) - before).toBe(1);
    },
  );

  it('is nothing that a page of an unknown origin may read', async () => {
    for (const bytes of [
      'GET /api/nothing HTTP/1.1\r\nhost: a\r\norigin: https://evil.example\r\n\r\n',
      'GET /api/nothing HTTP/1.1\r\nhost: a\r\norigin: https://evil.example\r\ncontent-length: x\r\n\r\n',
    ])
      expect(await send(bytes)).not.toMatch(/access-control-allow-origin/i);
  });

  it('goes to a client that ended its side in the middle of the body, which counts as one that left', async () => {
    const before = await failures();
    log.splice(0);
    const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.end(`${lineOf('POST', '/api/v1/embeddings')}${KEY}${JSON_TYPE}content-length: 100\r\n\r\n{`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*access-control-allow-origin: [^]*"code":"malformed_request"/i);
    while (logged().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(logged()).toEqual([{ msg: 'request', status: 499, request: /^x-request-id: (\S+)/im.exec(answer)?.[1] }]);
    expect((await failures()) - before).toBe(1);
  });

  it('waits behind the answer of a request that came whole', async () => {
    const whole = JSON.stringify({ inputs: 'a cat' });
    const request = `${lineOf('POST', '/api/embed')}${KEY}${JSON_TYPE}content-length: ${whole.length}\r\n\r\n${whole}`;
    const answer = await send(`${request}${request}no HTTP\r\n\r\n`, 'more of it\r\n\r\n');
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
    expect(statuses).toEqual([200, 200, 400]);
    while (logged().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(
      logged()
        .map(({ status }) => status)
        .toSorted(),
    ).toEqual([200, 200, 400]);
  });
});
