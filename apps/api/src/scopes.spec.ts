import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keyDigest, parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { startServer, type RunningServer } from './server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const KEYS = [
  `sha256:${keyDigest('all')}`,
  'embeds#embed',
  `sha256:${keyDigest('searches')}#search`,
  'scrapes#metrics',
];

describe('keys with scopes', () => {
  let server: RunningServer;
  const lines: string[] = [];
  beforeAll(async () => {
    server = await startServer(
      parseConfiguration(
        { LIGHTWEIGHT_EMBEDDING: '1', PORT: '0', KIMERA_API_KEYS: KEYS.join(','), KIMERA_OPEN_METRICS: '0' },
        root,
      ),
      pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    );
  });
  afterAll(() => server.close());

  const statusOf = async (key: string | undefined, path: string, body?: object): Promise<number> => {
    const response = await fetch(server.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    return response.status;
  };

  it.each([
    ['/embed', { inputs: 'a' }, ['all', 'embeds']],
    ['/v1/embeddings', { input: 'a', model: 'kimera/all-MiniLM-L6-v2-static' }, ['all', 'embeds']],
    ['/V1/Embeddings/', { input: 'a', model: 'kimera/all-MiniLM-L6-v2-static' }, ['all', 'embeds']],
    ['/v1/models', undefined, ['all', 'embeds']],
    ['/info', undefined, ['all', 'embeds']],
    ['/v1/collections', undefined, ['all', 'searches']],
    ['/V1/Collections/', undefined, ['all', 'searches']],
    ['/v1/collections/docs/search', { query: 'a' }, ['all', 'searches']],
    ['/metrics', undefined, ['all', 'scrapes']],
  ] as const)('%s is for those that have its scope', async (path, body, allowed) => {
    for (const key of ['all', 'embeds', 'searches', 'scrapes']) {
      const status = await statusOf(key, path, body);
      if ((allowed as readonly string[]).includes(key)) expect([key, status]).not.toEqual([key, 403]);
      else expect([key, status]).toEqual([key, 403]);
      expect(status).toBeLessThan(500);
      expect(status).not.toBe(401);
    }
    expect(await statusOf('wrong', path, body)).toBe(401);
    // The hash of a key is no key.
    expect(await statusOf(KEYS[0], path, body)).toBe(401);
    expect(await statusOf(undefined, path, body)).toBe(401);
  });

  it.each(['/livez', '/health/live', '/readyz', '/health/ready', '/health', '/ping'])(
    '%s needs no key',
    async (path) => {
      expect(await statusOf(undefined, path)).toBe(200);
    },
  );

  it('the settings are in the log, without keys and their hashes', () => {
    const settings = lines.filter((line) => line.includes('"settings"'));
    expect(settings).toHaveLength(1);
    expect(settings[0]).toContain('"apiKeys":4');
    for (const key of ['embeds', 'scrapes']) expect(lines.join('')).not.toContain(keyDigest(key));
  });
});
