import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { cosine } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { openModelAt, parseConfiguration, shippedModel } from '@kimera/serving';
import type { PostgresStore } from '@kimera/store-postgres';
import { emptyDatabase } from '@kimera/testing';
import { pino } from 'pino';
import { z } from 'zod';
import { startServer, type RunningServer } from './server.js';

jest.setTimeout(180_000);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const logger = pino({ enabled: false });
const TEXTS = [
  'The library opens at nine in the morning.',
  'Cats sleep for most of the day.',
  'Trains leave every hour.',
];
const QUERY = 'when does the library open';
const hitsSchema = z.object({ data: z.array(z.object({ id: z.string(), stale: z.boolean() })) });
const vectorSchema = z.object({ data: z.array(z.object({ embedding: z.array(z.number()) })) });

let folder = '';
let server: RunningServer;
let store: PostgresStore;
let minilm: Embedder;
let light: Embedder;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kimera-collections-'));
  const database = join(folder, 'data');
  const configuration = parseConfiguration({ DATABASE_URL: database, LIGHTWEIGHT_EMBEDDING: '1', PORT: '0' }, root);
  minilm = await openModelAt(shippedModel('all-MiniLM-L6-v2'), configuration, logger);
  light = new Embedder(await openStaticModel({ path: shippedModel('static-minilm') }));
  const { openStore } = await import('@kimera/store-postgres');
  await emptyDatabase(database);
  const made = await openStore({ database });
  await made.collections.createCollection('docs', minilm.space);
  const embeddings = await minilm.encodeBatch(TEXTS, { role: 'document' });
  await made.collections.upsertRows(
    'docs',
    TEXTS.flatMap((text, i) => (embeddings[i] === undefined ? [] : [{ id: `d${i}`, text, embedding: embeddings[i] }])),
  );
  await made.close();
  server = await startServer(configuration, logger);
});
afterAll(async () => {
  await store.close();
  await server.close();
  await Promise.all([minilm.close(), light.close()]);
  await rm(folder, { recursive: true });
});

const post = (path: string, body: object): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
async function both() {
  const search = await post('/v1/collections/docs/search', { query: QUERY, limit: 1 });
  const embedded = await post('/v1/embeddings', { model: 'docs', input: QUERY, input_type: 'query' });
  return {
    spaces: [search, embedded].map(({ headers }) => headers.get('x-embedding-space')),
    hit: hitsSchema.parse(await search.json()).data[0],
    vector: vectorSchema.parse(await embedded.json()).data[0]?.embedding ?? [],
  };
}

it('a server of the light model serves a collection of MiniLM, and of the light model from the cutover on', async () => {
  const before = await both();
  expect(before.spaces).toEqual([minilm.space.fingerprint, minilm.space.fingerprint]);
  expect(before.hit).toEqual(expect.objectContaining({ id: 'd0', stale: false }));
  const expected = (await minilm.encodeText(QUERY, { role: 'query' })).dense ?? [];
  expect(cosine(before.vector, expected)).toBeGreaterThan(0.9999);

  // Another process moves the collection, through the server that has the database open.
  const { joinStore } = await import('@kimera/store-postgres');
  store = await joinStore(join(folder, 'data'));
  const { id } = await store.migrations.createMigration('docs', light.space, 'spec', {});
  await store.vectors.openSpace('docs', light.space);
  const rows = await store.collections.readRange('docs', { after: null, upTo: null });
  const embeddings = await light.encodeBatch(
    rows.map(({ text }) => text),
    { role: 'document' },
  );
  await store.vectors.writeVectors(
    'docs',
    light.space.fingerprint,
    rows.flatMap(({ id: row, contentHash }, i) => {
      const { dense, variant, tokenizerRevision, truncated } = embeddings[i] ?? {};
      return dense === undefined || variant === undefined || tokenizerRevision === undefined || truncated === undefined
        ? []
        : [{ id: row, contentHash, dense, variant, tokenizerRevision, truncated }];
    }),
  );
  expect((await both()).spaces).toEqual(before.spaces);
  await store.migrations.switchSpace(
    id,
    'spec',
    {
      ...{ expected: ['planned'], to: 'cut-over', event: 'cut over', figures: {} },
      ...{ from: minilm.space.fingerprint, toSpace: light.space.fingerprint, maxPending: 0 },
    },
    async () => [],
  );
  const after = await both();
  expect(after.spaces).toEqual([light.space.fingerprint, light.space.fingerprint]);
  expect(after.hit?.id).toBe('d0');
  expect(after.vector).toHaveLength(light.space.dimension);
});
