import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer, type RunningServer } from '../../server.js';

const root = fileURLToPath(new URL('../../../../..', import.meta.url));
let server: RunningServer | undefined;
const clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close();
});

async function start(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly log: string[] }> {
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const base = { ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts', PORT: '0' };
  server = await startServer(parseConfiguration({ ...base, ...environment }, root), logger);
  return { url: server.url, log };
}
const post = (
  url: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname.replace(/^\[(.*)\]$/, '$1')).on('error', () => undefined);
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}
/** Status and body over a Unix socket. */
function getOver(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => {
      response.resume();
      response.once('end', () => resolve(String(response.statusCode)));
    })
      .once('error', reject)
      .end();
  });
}

describe('the limits of a server', () => {
  it('keeps connections for longer than a load balancer does, or as long as it is told', async () => {
    const first = await start({});
    expect((await fetch(`${first.url}/health`)).headers.get('keep-alive')).toBe('timeout=75');
    await server?.close();
    const { url } = await start({ KEEP_ALIVE_SECONDS: '5' });
    expect((await fetch(`${url}/health`)).headers.get('keep-alive')).toBe('timeout=5');
  });

  it.each([
    [{ MAX_BODY_BYTES: '200' }, { inputs: 'a '.repeat(200) }, 413, '200'],
    [{ MAX_REQUEST_INPUTS: '3' }, { inputs: ['a', 'b', 'c', 'd'] }, 422, 'the request has 4 inputs, the limit is 3'],
    [{ MAX_REQUEST_TOKENS: '8' }, { inputs: ['a b', 'c d', 'e f'] }, 422, 'the limit is 8'],
  ])('%j refuses what is beyond', async (environment, body, status, words) => {
    const { url } = await start(environment);
    const response = await post(url, '/embed', body);
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(words)]);
    expect((await post(url, '/embed', { inputs: 'a' })).status).toBe(200);
  });

  it('refuses a request of many inputs as a whole where its inputs fail alone otherwise', async () => {
    const { url } = await start({ MAX_REQUEST_TOKENS: '8' });
    const response = await post(url, '/v1/encode', { inputs: ['a b', 'c d', 'e f'] });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'request_too_large' } }]);
  });

  it('takes so many requests of one client in a minute, and says how many are left', async () => {
    const { url } = await start({ REQUESTS_PER_MINUTE: '2', KIMERA_API_KEYS: 'one,two' });
    const ask = (key: string): Promise<Response> =>
      post(url, '/embed', { inputs: 'a' }, { authorization: `Bearer ${key}` });
    expect([(await ask('one')).status, (await ask('one')).status]).toEqual([200, 200]);
    const refused = await ask('one');
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(refused.headers.get('ratelimit')).toContain('r=0');
    expect(await refused.json()).toMatchObject({ error_type: 'Overloaded' });
    expect((await ask('two')).status).toBe(200);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('answers 504 at the deadline that a client asks for', async () => {
    const { url } = await start({});
    const inputs = Array.from({ length: 4_000 }, (_, i) => `text ${i} `.repeat(20));
    const response = await post(url, '/embed', { inputs, truncate: true }, { 'x-request-timeout': '0.05' });
    expect([response.status, await response.json()]).toMatchObject([
      504,
      { error: 'there was no answer within 0.05 s' },
    ]);
  });

  it('closes connections beyond the limit, says so, counts them, and takes new ones once others end', async () => {
    const { url, log } = await start({ MAX_CONNECTIONS: '3' });
    const held = await Promise.all([open(url), open(url), open(url)]);
    const refused = await open(url);
    await once(refused.resume(), 'close');
    expect(log.join()).toContain('connections were refused: too many are open');
    for (const client of held) client.destroy();
    let metrics = '';
    while (metrics === '')
      metrics = await fetch(`${url}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
    expect(metrics).toMatch(/^kimera_refused_connections [1-9]/m);
    expect(metrics).toMatch(/^kimera_connections [1-3]$/m);
  });

  it('answers 408 where the headers or the body of a request do not come', async () => {
    const { url, log } = await start({ HEADERS_TIMEOUT_SECONDS: '0.2', BODY_TIMEOUT_SECONDS: '0.4' });
    for (const half of [
      'POST /embed HTTP/1.1\r\nho',
      'POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    ]) {
      const client = await open(url);
      client.write(half);
      let text = '';
      for await (const chunk of client) text += String(chunk);
      expect(text).toMatch(/^HTTP\/1.1 408 /);
    }
    expect(log.filter((line) => line.includes('408')).length).toBeGreaterThanOrEqual(2);
  });
});

describe('a server', () => {
  it('listens on IPv6, in brackets or not', async () => {
    for (const HOST of ['::1', '[::1]']) {
      const { url } = await start({ HOST, KIMERA_API_KEYS: 'key' });
      expect(url).toMatch(/^http:\/\/\[::1\]:/);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      await server?.close();
    }
  });

  it('listens on a Unix socket, also where one that was killed has left its own, and not where another answers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kimera-socket-'));
    const path = join(folder, 'api.sock');
    const HOST = `unix:${path}`;
    expect((await start({ HOST })).url).toBe(HOST);
    expect(await getOver(path, '/health')).toBe('200');
    const first = server;
    await expect(start({ HOST })).rejects.toMatchObject({ code: 'ADDRESS' });
    await first?.close();
    const killed = spawn(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`,
    ]);
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await start({ HOST });
    expect(await getOver(path, '/health')).toBe('200');
    await server?.close();
    await rm(folder, { recursive: true });
  });

  it('answers requests that are sent at once over one connection, in order', async () => {
    const { url } = await start({});
    const client = await open(url);
    const ask = (text: string): string => {
      const body = JSON.stringify({ inputs: text });
      return `POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    };
    client.write(ask('one') + ask('two words') + 'GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of client) text += String(chunk);
    expect(text.match(/HTTP\/1.1 200 OK/g)?.length).toBe(3);
    const vector = async (inputs: string): Promise<string> =>
      JSON.stringify(await (await post(url, '/embed', { inputs })).json());
    expect(text.indexOf(await vector('one'))).toBeGreaterThan(0);
    expect(text.indexOf(await vector('two words'))).toBeGreaterThan(text.indexOf(await vector('one')));
  });
});
