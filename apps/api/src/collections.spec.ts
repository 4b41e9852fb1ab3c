import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deriveSpace, KimeraError, type CollectionSearch, type EmbeddingSpace } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import {
  keyDigest,
  ModelOfSpaceNotFoundError,
  ModelsOnDemand,
  NamedModels,
  parseConfiguration,
  ServingModels,
} from '@kimera/serving';
import { FakeBackend, fakeSpace, inlineBatchTokenizer, InMemoryStore } from '@kimera/testing';
import { pino } from 'pino';
import { z } from 'zod';
import { createApp } from './app.js';

const SERVED = fakeSpace('served', { dimension: 16 });
const OLD = fakeSpace('old', { dimension: 32, prompts: { query: 'q', document: '' } });
const NEW = fakeSpace('new', { dimension: 48 });
const GONE = fakeSpace('gone');
const TEXTS = ['apples and pears', 'trains to the north', 'a letter home', 'rain on the roof'];

const answerSchema = z.object({
  collection: z.string(),
  embedding_space: z.string(),
  scan: z.string(),
  data: z.array(z.object({ id: z.string(), score: z.number(), stale: z.boolean(), text: z.string().optional() })),
});
const errorSchema = z.object({
  error: z.object({ message: z.string().min(1), type: z.string(), param: z.string().nullable(), code: z.string() }),
});
const embedder = (space: EmbeddingSpace): Embedder =>
  new Embedder({ backend: new FakeBackend({ space }), tokenizer: inlineBatchTokenizer(), probes: [] });

/** The database does not answer. */
class AwayError extends KimeraError {
  readonly code = 'STORE_UNAVAILABLE';
  readonly kind = 'retryable';
}

/** A server over its parts. */
async function listening(collections: CollectionSearch | undefined, opened: string[] = []) {
  const served = new ServingModels({ primary: embedder(SERVED) });
  const logger = pino({ enabled: false });
  const onDemand = new ModelsOnDemand({
    open: async (space) => {
      if (space.fingerprint === GONE.fingerprint) throw new ModelOfSpaceNotFoundError(space.fingerprint, 'gone', []);
      opened.push(space.modelId);
      return embedder(space);
    },
  });
  const app = createApp({
    models: served,
    names: new NamedModels({ served, onDemand, collections, logger }),
    collections,
    apiKeys: [{ digest: keyDigest('secret'), scopes: ['admin'] }],
    openMetrics: true,
    autoTruncate: false,
    maxInputTokens: undefined,
    web: { corsOrigins: [], pathPrefix: '', trustedProxies: [] },
    limits: { ...parseConfiguration({}, '.').limits, batchTokens: 4_096 },
    bodyLimitBytes: 100_000,
    logger,
    version: '0',
    started: 0,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { 'content-type': 'application/json', authorization: 'Bearer secret' };
  return {
    get: (path: string) => fetch(url + path, { headers }),
    post: (path: string, body: unknown, more: Record<string, string> = {}) =>
      fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { ...headers, ...more } }),
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([served.close(), onDemand.close()]);
    },
  };
}
type Api = Awaited<ReturnType<typeof listening>>;

/** A collection whose rows have vectors in both spaces, OLD being active. */
async function twoSpaces(store: InMemoryStore, name: string): Promise<{ cutOver(): Promise<void> }> {
  const rows = async (space: EmbeddingSpace) => {
    const model = embedder(space);
    const embeddings = await model.encodeBatch(TEXTS, { role: 'document' });
    await model.close();
    return TEXTS.flatMap((text, i) =>
      embeddings[i] === undefined ? [] : [{ id: `r${i}`, text, embedding: embeddings[i] }],
    );
  };
  await store.collections.createCollection(name, OLD);
  await store.collections.upsertRows(name, await rows(OLD));
  const { id } = await store.migrations.createMigration(name, NEW, 'spec', {});
  await store.vectors.openSpace(name, NEW);
  const sources = await store.collections.readRange(name, { after: null, upTo: null });
  const embedded = await rows(NEW);
  await store.vectors.writeVectors(
    name,
    NEW.fingerprint,
    sources.map(({ contentHash, id: row }, i) => ({
      id: row,
      contentHash,
      dense: embedded[i]?.embedding.dense ?? new Float32Array(),
      variant: 'fp32',
      tokenizerRevision: 1,
      truncated: false,
    })),
  );
  return {
    cutOver: async () => {
      await store.migrations.switchSpace(
        id,
        'spec',
        {
          ...{ expected: ['planned'], to: 'cut-over', event: 'cut over', figures: {} },
          ...{ from: OLD.fingerprint, toSpace: NEW.fingerprint, maxPending: 0 },
        },
        async () => [],
      );
    },
  };
}

describe('collections over HTTP', () => {
  let store: InMemoryStore;
  let api: Api;
  let docs: { cutOver(): Promise<void> };
  let opened: string[];
  /** Runs before each look at the store. */
  let before: (call: string) => Promise<void>;
  beforeEach(async () => {
    store = new InMemoryStore();
    docs = await twoSpaces(store, 'docs');
    opened = [];
    before = async () => undefined;
    const { search } = store;
    api = await listening(
      {
        names: async () => (await before('names'), search.names()),
        spaces: async (...values) => (await before('spaces'), search.spaces(...values)),
        search: async (...values) => (await before('search'), search.search(...values)),
      },
      opened,
    );
  });
  afterEach(() => api.close());

  it('are searched by text, in the active space, with the prompt of queries', async () => {
    const response = await api.post('/v1/collections/docs/search', { query: TEXTS[1], limit: 2, include_text: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-embedding-space')).toBe(OLD.fingerprint);
    expect(response.headers.get('x-truncated-inputs')).toBe('');
    const answer = answerSchema.parse(await response.json());
    expect(answer).toMatchObject({ collection: 'docs', embedding_space: OLD.fingerprint, scan: 'exact' });
    expect(answer.data).toHaveLength(2);
    expect(answer.data[0]).toMatchObject({ id: 'r1', stale: false, text: TEXTS[1] });
    // The query's prompt is one token more than the row's own text, whose score would be 1.
    expect(answer.data[0]?.score).toBeLessThan(1 - 1e-4);
    const bare = answerSchema.parse(await (await api.post('/v1/collections/docs/search', { query: 'a' })).json());
    expect(bare.data.map(({ text }) => text)).toEqual(TEXTS.map(() => undefined));
  });

  it('are searched by a vector whose space the header names', async () => {
    const model = embedder(OLD);
    const vector = Array.from((await model.encodeText(TEXTS[2] ?? '')).dense ?? []);
    await model.close();
    const search = (space?: EmbeddingSpace, query: readonly number[] = vector) =>
      api.post(
        '/v1/collections/docs/search',
        { query },
        space === undefined ? {} : { 'x-embedding-space': space.fingerprint },
      );
    expect(answerSchema.parse(await (await search(OLD)).json()).data[0]?.id).toBe('r2');
    expect(opened).toEqual([]);
    for (const [response, status, code, param] of [
      [await search(), 400, 'invalid_request', 'query'],
      [await search(NEW), 400, 'space_mismatch', 'query'],
      // Those derived from the active space are other spaces, of the same dimension too.
      [await search(await deriveSpace(OLD, { dimensions: 2 }), vector.slice(0, 2)), 400, 'space_mismatch', 'query'],
      [await search(await deriveSpace(OLD, { dtype: 'int8' })), 400, 'space_mismatch', 'query'],
      [await search(OLD, [1, 2]), 400, 'invalid_request', 'query'],
      [
        await search(
          OLD,
          vector.map(() => 0),
        ),
        400,
        'invalid_request',
        'query',
      ],
    ] as const) {
      expect(response.status).toBe(status);
      expect(errorSchema.parse(await response.json()).error).toMatchObject({ code, param });
    }
    expect(errorSchema.parse(await (await search(NEW)).json()).error.message).toContain(OLD.fingerprint);
  });

  it('leave out rows of an earlier text where fresh ones are asked for', async () => {
    const [vector] = await store.vectors.readVectors('docs', OLD.fingerprint, ['r1']);
    await store.writeAsApplication('docs', [{ id: 'r1', text: 'planes' }]);
    if (vector !== undefined) await store.damage('docs', OLD.fingerprint, vector);
    const search = async (more: object) =>
      answerSchema.parse(await (await api.post('/v1/collections/docs/search', { query: TEXTS[1], ...more })).json())
        .data;
    expect((await search({}))[0]).toMatchObject({ id: 'r1', stale: true });
    expect((await search({ fresh_only: true })).map(({ id }) => id)).not.toContain('r1');
  });

  it.each([
    ['no query', {}, 'invalid_request', 'query'],
    ['an empty query', { query: '' }, 'empty_input', 'query'],
    ['a list of texts', { query: ['a'] }, 'invalid_request', 'query'],
    ['no hit', { query: 'a', limit: 0 }, 'invalid_request', 'limit'],
    ['1,001 hits', { query: 'a', limit: 1_001 }, 'invalid_request', 'limit'],
    ['a tenant of rows without one', { query: 'a', tenant: 'acme' }, 'no_tenants', 'tenant'],
    ['a query beyond the limit', { query: 'a'.repeat(100) }, 'input_too_long', 'query'],
  ])('refuse %s', async (_what, body, code, param) => {
    const response = await api.post('/v1/collections/docs/search', body);
    expect(response.status).toBe(400);
    expect(errorSchema.parse(await response.json()).error).toMatchObject({ code, param });
  });

  it('cut a long query where that is asked for, and say so', async () => {
    const response = await api.post('/v1/collections/docs/search', { query: 'a'.repeat(100), truncate: true });
    expect([response.status, response.headers.get('x-truncated-inputs')]).toEqual([200, '0']);
  });

  it('that are not there are 404 with those that are; the list has them with their spaces', async () => {
    const response = await api.post('/v1/collections/other/search', { query: 'a' });
    expect(response.status).toBe(404);
    expect(errorSchema.parse(await response.json()).error).toMatchObject({
      code: 'collection_not_found',
      message: expect.stringContaining('docs'),
    });
    expect(await (await api.get('/v1/collections')).json()).toEqual({
      object: 'list',
      data: [
        {
          id: 'docs',
          object: 'collection',
          model: 'fake/old',
          embedding_space: OLD.fingerprint,
          other_spaces: [NEW.fingerprint],
        },
      ],
    });
  });

  it('are asked in the new space by the first request after a cutover, on every route', async () => {
    const spaceOf = async (path: string, body: object) => {
      const response = await api.post(path, body);
      await response.arrayBuffer();
      return response.headers.get('x-embedding-space');
    };
    const both = () =>
      Promise.all([
        spaceOf('/v1/embeddings', { model: 'docs', input: 'a' }),
        spaceOf('/v1/collections/docs/search', { query: 'a' }),
      ]);
    expect(await both()).toEqual([OLD.fingerprint, OLD.fingerprint]);
    await docs.cutOver();
    expect(await both()).toEqual([NEW.fingerprint, NEW.fingerprint]);
    expect([...new Set(opened)].sort()).toEqual(['fake/new', 'fake/old']);
    expect(opened).toHaveLength(2);
    expect(z.object({ id: z.string() }).parse(await (await api.get('/v1/models/docs')).json()).id).toBe('fake/new');
  });

  it('embed a query once more where a cutover comes in between', async () => {
    let searched = 0;
    before = async (call) => {
      if (call === 'search' && searched++ === 0) await docs.cutOver();
    };
    const response = await api.post('/v1/collections/docs/search', { query: TEXTS[3], limit: 1 });
    expect([response.status, response.headers.get('x-embedding-space')]).toEqual([200, NEW.fingerprint]);
    expect(answerSchema.parse(await response.json()).data[0]?.id).toBe('r3');
    expect(searched).toBe(2);
  });

  it('answer 503 with Retry-After where the space changes again and again', async () => {
    const { search } = store;
    const other = await listening({
      ...search,
      spaces: async (name) => ({ ...(await search.spaces(name)), active: NEW }),
    });
    const response = await other.post('/v1/collections/docs/search', { query: 'a' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(errorSchema.parse(await response.json()).error).toMatchObject({
      code: 'space_changed',
      message: expect.stringContaining(OLD.fingerprint),
    });
    await other.close();
  });

  it('answer 503 with Retry-After while the database is away, without its address, and serve models all the while', async () => {
    before = async () => {
      throw new AwayError('postgres://host/docs is not available');
    };
    for (const response of [
      await api.get('/v1/collections'),
      await api.post('/v1/collections/docs/search', { query: 'a' }),
      await api.post('/v1/embeddings', { model: 'docs', input: 'a' }),
    ]) {
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
      const { error } = errorSchema.parse(await response.json());
      expect(error.code).toBe('store_unavailable');
      expect(error.message).not.toContain('host');
    }
    expect((await api.post('/v1/embeddings', { model: 'served', input: 'a' })).status).toBe(200);
  });

  it('answer 503 where no model of the active space is at hand', async () => {
    await store.collections.createCollection('old_docs', GONE);
    for (const response of [
      await api.post('/v1/collections/old_docs/search', { query: 'a' }),
      await api.post('/v1/embeddings', { model: 'old_docs', input: 'a' }),
    ]) {
      expect(response.status).toBe(503);
      expect(errorSchema.parse(await response.json()).error).toMatchObject({
        code: 'space_unavailable',
        message: expect.stringContaining(GONE.fingerprint),
      });
    }
  });

  it('are counted by their route, not by their names', async () => {
    await (await api.post('/v1/collections/docs/search', { query: 'a' })).arrayBuffer();
    await (await api.post('/v1/collections/other/search', { query: 'a' })).arrayBuffer();
    const metrics = await (await api.get('/metrics')).text();
    expect(metrics).toContain('te_request_count{method="/v1/collections/:name/search"} 2');
    expect(metrics).toContain('kimera_texts{model="fake/old"}');
  });

  it('ask for a key as other routes do, and refuse other methods', async () => {
    const bare = await api.post('/v1/collections/docs/search', { query: 'a' }, { authorization: '' });
    expect(bare.status).toBe(401);
    const method = await api.get('/v1/collections/docs/search');
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('a server without a database', () => {
  let api: Api;
  beforeAll(async () => {
    api = await listening(undefined);
  });
  afterAll(() => api.close());

  it('says so on the routes of collections, and serves its model as before', async () => {
    for (const response of [
      await api.get('/v1/collections'),
      await api.post('/v1/collections/docs/search', { query: 'a' }),
    ]) {
      expect(response.status).toBe(404);
      expect(errorSchema.parse(await response.json()).error).toMatchObject({
        code: 'no_database',
        message: expect.stringContaining('DATABASE_URL'),
      });
    }
    const unknown = await api.post('/v1/embeddings', { model: 'docs', input: 'a' });
    expect(errorSchema.parse(await unknown.json()).error.code).toBe('model_not_found');
    expect((await api.post('/v1/embeddings', { model: 'served', input: 'a' })).status).toBe(200);
  });
});
