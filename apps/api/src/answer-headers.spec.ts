import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningServer } from './server.js';
import { startSmallServer } from './small-server.fixture.js';

/** Of all headers of an answer. Node's clients take 16 KB. */
const BYTES = 8_192;
/** Beyond the limit of the model, 48 tokens. */
const LONG = 'word '.repeat(60);
let server: RunningServer;
beforeAll(async () => {
  server = await startSmallServer({ KIMERA_CORS_ORIGINS: 'https://app.example', REQUESTS_PER_MINUTE: '100000' });
});
afterAll(() => server.close());

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      origin: 'https://app.example',
      'x-request-id': 'r'.repeat(128),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });

/** As docs/http-api.md says: ranges of indexes, or bits. */
function cutInputs(header: string): readonly number[] {
  if (header === '') return [];
  if (!header.startsWith('bits:'))
    return header.split(',').flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  const bytes = Buffer.from(header.slice('bits:'.length), 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, i) => i).filter((i) => ((bytes[i >> 3] ?? 0) >> (i % 8)) & 1);
}

const bytesOf = (headers: Headers): number =>
  [...headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);

describe('the header that says which inputs were cut', () => {
  const routes = [
    ['/v1/embeddings', 2_048, (input: readonly string[]) => ({ model: 'bert-tiny-prompts', input })],
    ['/v1/encode', 2_048, (inputs: readonly string[]) => ({ inputs })],
    ['/v1/similarity', 2_049, ([source, ...targets]: readonly string[]) => ({ source, targets })],
    ['/v1/rerank', 2_049, ([query, ...documents]: readonly string[]) => ({ query, documents })],
    ['/embed', 8_192, (inputs: readonly string[]) => ({ inputs })],
    [
      '/similarity',
      8_193,
      ([source_sentence, ...sentences]: readonly string[]) => ({
        inputs: { source_sentence, sentences },
        parameters: { truncate: true },
      }),
    ],
  ] as const;
  const patterns: readonly (readonly [string, (index: number) => boolean])[] = [
    ['all', () => true],
    ['none', () => false],
    ['every second', (index) => index % 2 === 1],
    ['the first and the last', (index) => index === 0 || index === 2_047],
    ['two of three', (index) => index % 3 !== 0],
  ];
  it.each(routes)('of %s is read by fetch, however many of %i are cut', async (path, count, body) => {
    for (const [, isCut] of patterns) {
      const texts = Array.from({ length: count }, (_, index) => (isCut(index) ? LONG : 'a cat'));
      const response = await post(path, { ...body(texts), truncate: true });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      expect(cutInputs(response.headers.get('x-truncated-inputs') ?? 'absent')).toEqual(
        [...texts.keys()].filter(isCut),
      );
      expect(bytesOf(response.headers)).toBeLessThan(BYTES / 2);
    }
  });
});

describe('headers of an answer', () => {
  it('do not grow with those of the request', async () => {
    const [long, many] = ['x'.repeat(7_000), Array.from({ length: 900 }, (_, i) => `x-h${i}`).join(', ')];
    const ask = (headers: Record<string, string>, method: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        get(server.url + path, { method, headers: { origin: 'https://app.example', ...headers } }, (answer) => {
          answer.resume();
          resolve(answer.rawHeaders.reduce((sum, { length }) => sum + length + 2, 0));
        }).on('error', reject);
      });
    for (const headers of [
      { 'x-request-id': long },
      { 'access-control-request-method': 'POST', 'access-control-request-headers': many },
      { 'access-control-request-method': long },
      { origin: `https://${long}` },
      { traceparent: long },
      { host: long },
      { cookie: long },
      { 'x-embedding-space': long },
      { 'accept-encoding': long },
      { expect: long },
    ])
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE'])
        for (const path of ['/health', '/v1/models', `/${long.slice(0, 2_000)}`])
          expect(await ask(headers as Record<string, string>, method, path)).toBeLessThan(BYTES / 2);
  });
});
