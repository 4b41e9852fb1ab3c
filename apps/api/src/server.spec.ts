import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AddressError, parseConfiguration } from '@kimera/serving';
import { rejection } from '@kimera/testing';
import { pino } from 'pino';
import { z } from 'zod';
import { startServer, type RunningServer } from './server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** On a small model, that opens fast. */
const environment = { ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts', PORT: '0' };
const lineSchema = z.object({
  msg: z.string(),
  path: z.string().optional(),
  status: z.union([z.string(), z.int()]).optional(),
});

/** A logger, what it wrote, and an event for each line that it writes. */
function recorder() {
  const lines: z.infer<typeof lineSchema>[] = [];
  const written = new EventEmitter();
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(lineSchema.parse(JSON.parse(String(chunk))));
      written.emit('line');
      done();
    },
  });
  return { lines, written, logger: pino({}, stream) };
}

describe('a server whose clients go away', () => {
  const { lines, written, logger } = recorder();
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(parseConfiguration(environment, root), logger);
  });
  afterAll(() => server.close());

  const body = JSON.stringify({
    inputs: Array.from({ length: 8_000 }, (_, i) => `text ${i} `.repeat(20)),
    truncate: true,
  });
  const head = `POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  it.each([
    ['in the middle of the body', head + body.slice(0, 1_000)],
    ['before the answer', head + body],
  ])('%s logs and counts them', async (_what, text) => {
    const before = lines.length;
    const counted = await failures();
    const { hostname, port } = new URL(server.url);
    const client = connect(Number(port), hostname);
    await new Promise<void>((resolve) => client.write(text, () => resolve()));
    client.destroy();
    const requests = (): typeof lines =>
      lines.slice(before).filter(({ msg, path }) => msg === 'request' && path === '/embed');
    while (requests().length === 0) await once(written, 'line');
    expect(requests()).toMatchObject([{ status: 499 }]);
    expect(lines.slice(before).filter(({ msg }) => msg === 'a request failed')).toEqual([]);
    expect(await failures()).toBe(counted + 1);
  });

  it('counts one that is answered once, by its own status', async () => {
    const before = lines.length;
    const counted = await failures();
    const response = await fetch(`${server.url}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: 'a' }),
    });
    await response.arrayBuffer();
    expect(await failures()).toBe(counted);
    expect(lines.slice(before).filter(({ path }) => path === '/embed')).toMatchObject([{ status: 200 }]);
  });

  async function failures(): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^te_request_failure\{err="499"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }
});

describe('an address that cannot be listened on', () => {
  it('is refused with host, port and reason, and nothing stays open', async () => {
    const { logger } = recorder();
    const first = await startServer(parseConfiguration(environment, root), logger);
    const port = Number(new URL(first.url).port);
    const error = await rejection(() =>
      startServer(parseConfiguration({ ...environment, PORT: String(port) }, root), logger),
    );
    await first.close();
    expect(error).toBeInstanceOf(AddressError);
    expect(error).toMatchObject({
      code: 'ADDRESS',
      fields: { host: '127.0.0.1', port, reason: 'something listens there already' },
    });
  });
});

describe('a server whose model is not there, with a light model to fall back to', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(
      parseConfiguration({ ONNX_MODEL_PATH: './nothing', FALLBACK_SPACE: 'light', PORT: '0' }, root),
      pino({ enabled: false }),
    );
  });
  afterAll(() => server.close());
  const post = (path: string, body: object): Promise<Response> =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('starts, says that it is degraded and why, and serves the light one by its name alone', async () => {
    const health = await fetch(`${server.url}/health`);
    expect([health.status, await health.json()]).toEqual([
      200,
      expect.objectContaining({
        status: 'degraded',
        model: 'kimera/all-MiniLM-L6-v2-static',
        backend: 'static',
        reason: expect.stringContaining('nothing'),
      }),
    ]);
    const answer = await post('/v1/embeddings', { model: 'kimera/all-MiniLM-L6-v2-static', input: 'x' });
    expect([answer.status, answer.headers.get('x-embedding-space')?.length]).toEqual([200, 64]);
  });

  it('refuses whatever else is named, and what names nothing, with what was asked for and what is here', async () => {
    const named = await post('/v1/embeddings', { model: 'bge-m3', input: 'x' });
    expect([named.status, named.headers.get('retry-after'), await named.json()]).toEqual([
      503,
      null,
      {
        error: expect.objectContaining({
          code: 'space_unavailable',
          message: expect.stringMatching(/"bge-m3".*kimera\/all-MiniLM-L6-v2-static/),
        }),
      },
    ]);
    for (const path of ['/embed', '/']) expect((await post(path, { inputs: 'x' })).status).toBe(503);
    expect((await fetch(`${server.url}/info`)).status).toBe(503);
  });
});
