import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { answerClientErrors } from './client-errors.js';

describe('what Node’s parser refuses', () => {
  const told: { readonly status: number; readonly path: string }[] = [];
  const server = createServer(
    { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 },
    (request, response) => {
      request.resume();
      if (request.url === '/slow') response.write('half');
      if (request.method === 'GET') setTimeout(() => response.end('the end'), 50);
    },
  );
  answerClientErrors(server, { corsOrigins: [], onRefused: ({ status, path }) => told.push({ status, path }) });
  let port = 0;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = z.object({ port: z.int() }).parse(server.address()).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  async function send(...parts: readonly string[]): Promise<string> {
    const client = connect(port, '127.0.0.1');
    for (const part of parts) client.write(part);
    let text = '';
    for await (const chunk of client) text += String(chunk);
    return text;
  }

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, '', { error: { code: 'malformed_request' } }],
    [
      'two lengths',
      'POST /embed HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      '/embed',
      { error_type: 'Validation' },
    ],
    [
      'headers of 40 KB',
      `POST /v1/embeddings HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`,
      431,
      undefined,
      { error: { code: 'headers_too_large' } },
    ],
    ['half a header', 'POST /embed HTTP/1.1\r\nho', 408, undefined, { error: { code: 'request_timeout' } }],
  ])('%s: an answer in the contract of its path, a line and a count', async (_what, text, status, path, body) => {
    told.splice(0);
    const answer = await send(text);
    const [head = '', json = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/connection: close/i);
    expect(JSON.parse(json)).toMatchObject(body);
    expect(told).toEqual([{ status, path: path ?? expect.any(String) }]);
  });

  it('in the body of a request is its answer, which its application tells', async () => {
    told.splice(0);
    const chunk = `1;a=${'a'.repeat(40_000)}\r\na\r\n0\r\n\r\n`;
    const answer = await send(`POST /v1/waits HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*"code":"body_too_large"/i);
    expect(told).toEqual([]);
  });

  it.each(['/slow', '/v1/waits'])('behind a request is not written into its answer: %s', async (path) => {
    told.splice(0);
    const answer = await send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, 'no HTTP\r\n\r\n');
    const [first = '', second = ''] = answer.split('HTTP/1.1 400');
    expect(first).toMatch(/^HTTP\/1\.1 200 [^]*end/);
    expect(second).toContain('malformed_request');
    expect(told).toEqual([{ status: 400, path: '' }]);
  });

  it('in the body of a request whose answer has begun ends its connection', async () => {
    told.splice(0);
    const answer = await send('POST /slow HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n').catch(
      (error: unknown) => String(error),
    );
    expect(answer).not.toContain('malformed');
    expect(told).toEqual([]);
  });
});
