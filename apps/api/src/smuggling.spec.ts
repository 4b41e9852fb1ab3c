import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer, type RunningServer } from './server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(
    parseConfiguration({ LIGHTWEIGHT_EMBEDDING: '1', PORT: '0' }, root),
    pino({ enabled: false }),
  );
});
afterAll(() => server.close());

/** All that the server sends until it closes, or until nothing came for a while. */
function exchange(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    const quiet = (): void => {
      socket.destroy();
      resolve(answer);
    };
    let timer = setTimeout(quiet, 1_500);
    socket.setEncoding('latin1').on('data', (part: string) => {
      answer += part;
      clearTimeout(timer);
      timer = setTimeout(quiet, 300);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? quiet() : reject(error)));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

const statuses = (answer: string): readonly string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status);
const body = '{"inputs":"a"}';
const inner = 'GET /info HTTP/1.1\r\nHost: x\r\n\r\n';
const head = 'POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

describe('what one server would read as one request and another as two', () => {
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `${head}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    ],
    ['two lengths', `${head}Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`],
    ['a list of lengths', `${head}Content-Length: 0, ${inner.length}\r\n\r\n${inner}`],
    ['a length with a sign', `${head}Content-Length: +${body.length}\r\n\r\n${body}${inner}`],
    ['a length in hexadecimal', `${head}Content-Length: 0xe\r\n\r\n${body}${inner}`],
    ['a negative length', `${head}Content-Length: -1\r\n\r\n${inner}`],
    ['an encoding that is not chunked', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
    ['chunked, which is not the last', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`],
    ['chunked twice', `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${inner}`],
    ['a space before the colon', `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`],
    [
      'a header that goes on in the next line',
      `${head}X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${inner}`,
    ],
    [
      'lines that end with LF alone',
      `POST /embed HTTP/1.1\nHost: x\nContent-Length: 0\nTransfer-Encoding: chunked\n\n0\n\n${inner}`,
    ],
    ['a bare CR within a header', `${head}X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${inner}`],
    ['NUL within a header', `${head}X: a\0b\r\nContent-Length: 0\r\n\r\n${inner}`],
    [
      'a chunk size with an extension that ends with LF',
      `${head}Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\n${inner}`,
    ],
    ['a chunk size that is too large', `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${inner}`],
    ['a chunk that is longer than its size', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n${inner}`],
  ])('is refused, and the connection ends: %s', async (_, text) => {
    const answer = await exchange(text);
    const [first = 'closed', ...more] = statuses(answer);
    expect(['400', '411', '413', '422', 'closed']).toContain(first);
    // The second request is never answered.
    expect(more).toEqual([]);
    expect(answer).not.toContain('"model_id"');
  });

  it('two requests one after the other are two', async () => {
    expect(statuses(await exchange(`${head}Content-Length: ${body.length}\r\n\r\n${body}${inner}`))).toEqual([
      '200',
      '200',
    ]);
  });
});

describe('what must not reach objects, files or logs', () => {
  const post = (path: string, json: string): Promise<Response> =>
    fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: json });

  it('keys of prototypes change nothing', async () => {
    for (const key of ['__proto__', 'constructor', 'prototype'])
      for (const path of ['/embed', '/v1/embeddings', '/v1/encode'])
        await post(
          path,
          `{"${key}": {"polluted": true, "inputs": "a", "model": "x"}, "inputs": "a", "input": "a", "model": "kimera/all-MiniLM-L6-v2-static"}`,
        );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await post('/embed', '{"__proto__": {"inputs": "a"}}')).status).toBe(422);
  });

  it('paths stay paths: no file is read, no stack is told', async () => {
    for (const path of [
      '/..%2f..%2fetc/passwd',
      '/v1/models/..%2F..%2F..%2Fetc%2Fpasswd',
      '/docs/..%2f..%2fpackage.json',
      '/%00',
      '/%',
    ])
      for (const response of [await fetch(server.url + path), await post(path, '{')]) {
        const text = await response.text();
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect(text).not.toMatch(/root:|\bat .*\.(ts|js):\d+|node_modules|"dependencies"/);
      }
  });
});

describe('regular expressions on the way of a request', () => {
  it.each([
    ['Authorization', `Bearer${' '.repeat(12_000)}x`],
    ['Authorization', `${'Bearer '.repeat(1_700)}x`],
    ['Content-Type', `application/json;${' a=b;'.repeat(2_000)}`],
    ['Content-Type', `application/${'x+'.repeat(5_000)}json!`],
    ['Accept-Encoding', `gzip,${' ,'.repeat(5_000)}`],
    ['Host', `${'a.'.repeat(5_000)}:1`],
    ['X-Embedding-Space', `${'a'.repeat(12_000)}!`],
    ['Traceparent', `00-${'0'.repeat(12_000)}-`],
    ['X-Forwarded-For', `${'1.'.repeat(5_000)},`],
    ['X-Request-Id', `${'a-'.repeat(6_000)}\t!`],
    ['Origin', `http://${'a.'.repeat(5_000)}`],
    ['Accept', '*/*,'.repeat(3_000)],
  ])('end soon for a long %s', async (name, value) => {
    const started = performance.now();
    await exchange(
      `POST /embed HTTP/1.1\r\nHost: x\r\n${name}: ${value}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
