import { describe, expect, it } from '@jest/globals';
import { KimeraError, SpaceMismatchError } from '@kimera/core';
import { rejection } from '@kimera/testing';
import { KimeraClient, type ClientOptions } from './client.js';
import type { Fingerprint } from './embedding.js';
import * as errors from './errors.js';
import { embeddings, fakeServer, float32, refusal, type Answer } from './fake-server.fixture.js';
import { similarity } from './similarity.js';

const SPACES = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];

function clientOf(answer: Answer, options: Partial<ClientOptions> = {}) {
  const { fetch, seen } = fakeServer(answer);
  return { client: new KimeraClient({ url: 'http://server/prefix/', apiKey: 'k', fetch, ...options }), seen };
}

/** Pauses as they are asked for would take seconds: the server asks for none. */
const AT_ONCE = { 'retry-after': '0' };

describe('embedAll', () => {
  it('sends chunks by number and by characters, and gives the vectors in the order of the texts', async () => {
    const { client, seen } = clientOf((each) => embeddings(each), { chunkTexts: 3, chunkCharacters: 20 });
    const texts = Array.from({ length: 11 }, (_, i) => 'x'.repeat(i + 1));
    const found = await client.model('m').embedAll([...texts, 'y'.repeat(50)]);
    expect(found.map(({ dense }) => dense[0])).toEqual([...texts.map(({ length }) => length), 50]);
    const sizes = seen.map(({ body }) => (body['input'] as string[]).length);
    expect(sizes.reduce((sum, each) => sum + each)).toBe(12);
    expect(Math.max(...sizes)).toBe(3);
    expect(
      seen.every(
        ({ body }) => (body['input'] as string[]).length === 1 || (body['input'] as string[]).join('').length <= 20,
      ),
    ).toBe(true);
    expect(seen[0]?.path).toBe('/prefix/v1/embeddings');
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer k');
  });

  it('asks nothing for no text', async () => {
    const { client, seen } = clientOf(() => refusal(500, 'internal'));
    expect(await client.model('m').embedAll([])).toEqual([]);
    expect(seen).toEqual([]);
  });

  it('has no more requests under way than it was told, and uses them all', async () => {
    let [now, most] = [0, 0];
    const { client } = clientOf(
      async (each) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        return embeddings(each);
      },
      { chunkTexts: 1, concurrency: 3 },
    );
    await client.model('m').embedAll(Array.from({ length: 20 }, String));
    expect(most).toBe(3);
  });

  it('says which texts were cut, and the space and model of each vector', async () => {
    const { client } = clientOf((each) => embeddings(each, SPACES[0], '0,2'), { chunkTexts: 3 });
    const found = await client.model('m').embedAll(['a', 'b', 'c', 'd'], { truncate: true, role: 'query' });
    expect(found.map(({ truncated }) => truncated)).toEqual([true, false, true, true]);
    expect(found[0]).toMatchObject({ space: SPACES[0], model: 'm' });
  });

  it.each([
    ['', []],
    ['3', [3]],
    ['0-2,7,9-10', [0, 1, 2, 7, 9, 10]],
    // Inputs 0, 1 and 15.
    [`bits:${Buffer.from([0b11, 0b1000_0000]).toString('base64')}`, [0, 1, 15]],
  ])('reads the inputs that were cut from %j', async (header, expected) => {
    const { client } = clientOf((each) => embeddings(each, SPACES[0], header));
    const found = await client.model('m').embedAll(Array.from({ length: 20 }, String));
    expect(found.flatMap(({ truncated }, index) => (truncated ? [index] : []))).toEqual(expected);
  });

  it('asks again for chunks that were answered before a cutover, once', async () => {
    let cutover = false;
    const { client, seen } = clientOf((each) => embeddings(each, SPACES[cutover ? 1 : 0]), {
      chunkTexts: 1,
      concurrency: 1,
    });
    const found = client.model('docs').embedAll(['a', 'bb', 'ccc']);
    // The first two are asked before it, the last after it.
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    cutover = true;
    const vectors = await found;
    expect(new Set(vectors.map(({ space }) => space)).size).toBe(1);
    expect(vectors.map(({ dense }) => dense[0])).toEqual([1, 2, 3]);
  });

  it('refuses where the space changes again and again', async () => {
    const { client } = clientOf((each, index) => embeddings(each, SPACES[index % 2 === 0 ? 0 : 1]), {
      chunkTexts: 1,
      concurrency: 1,
    });
    expect(await rejection(() => client.model('docs').embedAll(['a', 'b', 'c', 'd']))).toBeInstanceOf(
      SpaceMismatchError,
    );
  });

  it('pins a space: asks for it, and takes no other', async () => {
    const { client, seen } = clientOf((each) => embeddings(each, SPACES[1]));
    const refused = await rejection(() => client.model('m', { space: SPACES[0] }).embed('a'));
    expect(refused).toBeInstanceOf(SpaceMismatchError);
    expect(seen[0]?.headers.get('x-embedding-space')).toBe(SPACES[0]);
    expect((await client.model('m', { space: SPACES[1] }).embed('a')).space).toBe(SPACES[1]);
  });

  it('gives numbers in 8 bits in their own arrays', async () => {
    const { client, seen } = clientOf(() =>
      Response.json(
        {
          model: 'm',
          data: [{ index: 0, embedding: Buffer.from([255, 1]).toString('base64') }],
          usage: { total_tokens: 1 },
        },
        { headers: { 'x-embedding-space': SPACES[0] } },
      ),
    );
    const signed: Int8Array = (await client.model('m', { type: 'int8', dimensions: 2 }).embed('a')).dense;
    expect(signed).toEqual(Int8Array.of(-1, 1));
    const bytes: Uint8Array = (await client.model('m', { type: 'ubinary' }).embed('a')).dense;
    expect(bytes).toEqual(Uint8Array.of(255, 1));
    expect(seen[0]?.body).toMatchObject({ dimensions: 2, output_dtype: 'int8' });
  });
});

describe('retries', () => {
  it.each([408, 429, 502, 503, 504])('tries %i again', async (status) => {
    const { client, seen } = clientOf((each, index) => (index < 2 ? refusal(status, 'x', AT_ONCE) : embeddings(each)));
    expect((await client.model('m').embed('abc')).dense[0]).toBe(3);
    expect(seen).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 405, 413, 415, 422, 500])('does not try %i again', async (status) => {
    const { client, seen } = clientOf(() => refusal(status, 'x', AT_ONCE));
    await rejection(() => client.model('m').embed('a'));
    expect(seen).toHaveLength(1);
  });

  it('waits as long as the server asks', async () => {
    const { client } = clientOf((each, index) =>
      index === 0 ? refusal(429, 'x', { 'retry-after': '1' }) : embeddings(each),
    );
    const started = performance.now();
    await client.model('m').embed('a');
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
  });

  it('throws at once what it would have to wait too long for', async () => {
    const { client, seen } = clientOf(() => refusal(429, 'x', { 'retry-after': '3600' }));
    expect(await rejection(() => client.model('m').embed('a'))).toMatchObject({
      code: 'OVERLOADED',
      kind: 'retryable',
      refusal: { retryAfterMilliseconds: 3_600_000 },
    });
    expect(seen).toHaveLength(1);
  });

  it('ends after as many tries as it may, with the last error', async () => {
    const { client, seen } = clientOf(() => refusal(503, 'space_unavailable', AT_ONCE), { retries: 2 });
    expect(await rejection(() => client.model('m').embed('a'))).toBeInstanceOf(errors.ServerUnavailableError);
    expect(seen).toHaveLength(3);
  });

  it('tries a lost connection again, and one that is lost within the answer', async () => {
    const { client } = clientOf(
      (each, index) => {
        if (index === 0) throw new TypeError('fetch failed');
        if (index === 1) {
          const broken = new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) });
          return new Response(broken);
        }
        return embeddings(each);
      },
      { random: () => 0 },
    );
    expect((await client.model('m').embed('a')).dense[0]).toBe(1);
  });

  it('tells a connection that stays lost, with its cause', async () => {
    const cause = new TypeError('fetch failed');
    const { client } = clientOf(() => Promise.reject(cause), { retries: 0 });
    expect(await rejection(() => client.model('m').embed('a'))).toMatchObject({ code: 'CONNECTION_FAILED', cause });
  });
});

describe('time and cancellation', () => {
  /** Answers only when it is given up. */
  const never: Answer = ({ signal }) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });

  it('gives up a try that takes too long', async () => {
    const { client, seen } = clientOf(never, { timeoutMilliseconds: 20, retries: 1, random: () => 0 });
    expect(await rejection(() => client.model('m').embed('a'))).toMatchObject({
      code: 'REQUEST_TIMEOUT',
      kind: 'retryable',
    });
    expect(seen).toHaveLength(2);
  });

  it('ends with the reason of the signal: before, while it waits for an answer, while it waits for a retry', async () => {
    const reason = new Error('the user went away');
    const stopSoon = (): AbortSignal => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 10);
      return controller.signal;
    };
    const waiting = clientOf(never, { chunkTexts: 1 });
    expect(await rejection(() => waiting.client.model('m').embedAll(['a', 'b'], { signal: stopSoon() }))).toBe(reason);
    const busy = clientOf(() => refusal(429, 'x', { 'retry-after': '30' }));
    expect(await rejection(() => busy.client.model('m').embed('a', { signal: stopSoon() }))).toBe(reason);
    const before = clientOf(never);
    expect(await rejection(() => before.client.model('m').embed('a', { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    expect(before.seen).toEqual([]);
  });

  it('aborts the other chunks where one is refused', async () => {
    const aborted: string[] = [];
    const { client } = clientOf(
      (each) =>
        (each.body['input'] as string[])[0] === 'bad'
          ? refusal(400, 'input_too_long')
          : new Promise((_, reject) => {
              each.signal?.addEventListener('abort', () => {
                aborted.push(String((each.body['input'] as string[])[0]));
                reject(each.signal?.reason as Error);
              });
            }),
      { chunkTexts: 1, concurrency: 3 },
    );
    expect(await rejection(() => client.model('m').embedAll(['x', 'y', 'bad', 'z']))).toBeInstanceOf(
      errors.TextTooLongError,
    );
    expect(aborted.sort()).toEqual(['x', 'y']);
  });
});

describe('refusals', () => {
  it.each([
    [400, 'invalid_request', 'REQUEST_REFUSED', 'caller'],
    [422, 'status_422', 'REQUEST_REFUSED', 'caller'],
    [400, 'input_too_long', 'TEXT_TOO_LONG', 'caller'],
    [401, 'invalid_api_key', 'KEY_REFUSED', 'caller'],
    [403, 'not_allowed', 'NOT_ALLOWED', 'caller'],
    [404, 'model_not_found', 'UNKNOWN_MODEL', 'caller'],
    [404, 'collection_not_found', 'UNKNOWN_MODEL', 'caller'],
    [404, 'not_found', 'NOT_FOUND', 'caller'],
    [413, 'body_too_large', 'REQUEST_TOO_LARGE', 'caller'],
    [400, 'space_mismatch', 'SPACE_REFUSED', 'refused'],
    [429, 'overloaded', 'OVERLOADED', 'retryable'],
    [503, 'space_unavailable', 'SERVER_UNAVAILABLE', 'retryable'],
    [500, 'internal', 'SERVER_FAULT', 'internal'],
  ])('%i %s is %s, %s', async (status, reason, code, kind) => {
    const { client } = clientOf(() => refusal(status, reason, { 'x-request-id': 'r1' }), { retries: 0 });
    const error = await rejection(() => client.model('m').embed('a'));
    expect(error).toBeInstanceOf(KimeraError);
    expect(error).toMatchObject({ code, kind, refusal: { status, reason, param: 'input', requestId: 'r1' } });
  });

  it('has a code of its own for each class', () => {
    const refused = {
      status: 1,
      reason: '',
      message: '',
      param: null,
      requestId: null,
      retryAfterMilliseconds: undefined,
    };
    const codes = Object.values(errors).flatMap((each) =>
      each.prototype instanceof errors.ApiError
        ? [new (each as typeof errors.NotFoundError)(refused).code as string]
        : [],
    );
    expect(codes).toHaveLength(11);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('reads errors of the other contract, and answers that are no JSON', async () => {
    const tei = clientOf(() => Response.json({ error: 'too long', error_type: 'Validation' }, { status: 422 }));
    expect(await rejection(() => tei.client.models())).toMatchObject({ message: expect.stringContaining('too long') });
    const proxy = clientOf(() => new Response('<h1>Bad Gateway</h1>', { status: 502 }), { retries: 0 });
    expect(await rejection(() => proxy.client.models())).toMatchObject({
      message: expect.stringContaining('Bad Gateway'),
    });
  });

  it.each([
    ['no JSON', () => new Response('<html>')],
    [
      'no space',
      () => Response.json({ model: 'm', data: [{ index: 0, embedding: float32(1) }], usage: { total_tokens: 1 } }),
    ],
    [
      'vectors missing',
      () =>
        Response.json({ model: 'm', data: [], usage: { total_tokens: 1 } }, { headers: { 'x-embedding-space': 'a' } }),
    ],
    [
      'numbers instead of base64',
      () => Response.json({ model: 'm', data: [{ index: 0, embedding: [1] }], usage: { total_tokens: 1 } }),
    ],
    [
      'bytes that are no float32',
      () =>
        Response.json(
          { model: 'm', data: [{ index: 0, embedding: 'AAA=' }], usage: { total_tokens: 1 } },
          { headers: { 'x-embedding-space': 'a' } },
        ),
    ],
  ])('refuses an answer with %s', async (_, answer) => {
    const { client } = clientOf(answer);
    expect(await rejection(() => client.model('m').embed('a'))).toBeInstanceOf(errors.UnexpectedAnswerError);
  });

  it('refuses options that cannot be used', () => {
    for (const wrong of [
      { url: 'server:3000' },
      { retries: -1 },
      { timeoutMilliseconds: 0 },
      { concurrency: 0 },
      { chunkTexts: 1.5 },
    ])
      expect(() => new KimeraClient({ url: 'http://server', ...wrong })).toThrow(errors.ClientOptionError);
  });
});

describe('spaces in the types', () => {
  it('compares vectors of one space alone', async () => {
    const { client } = clientOf((each) =>
      embeddings(each, each.body['model'] === 'one' && each.body['dimensions'] === undefined ? SPACES[0] : SPACES[1]),
    );
    const one = client.model('one');
    const [a, b] = [await one.embed('a'), await one.embed('b', { role: 'query' })];
    expect(similarity(a, b)).toBeCloseTo(1);
    const other = await client.model('other').embed('a');
    // @ts-expect-error vectors of two models
    expect(() => similarity(a, other)).toThrow(SpaceMismatchError);
    const short = await client.model('one', { dimensions: 2 }).embed('a');
    // @ts-expect-error a slice is another space
    expect(() => similarity(a, short)).toThrow(SpaceMismatchError);
    const name: string = 'one';
    // Where names are known at run time alone, so is the refusal.
    const [unknown, second] = [await client.model(name).embed('a'), await client.model(['other'].join('')).embed('a')];
    expect(() => similarity(unknown, second)).toThrow(SpaceMismatchError);
  });
});

describe('vectors of a derived space', () => {
  const ONE = { space: SPACES[0] as Fingerprint<'one'>, model: 'm', truncated: false } as const;

  it.each([
    ['float', Float32Array.of(1, 0), Float32Array.of(1, 1), 2, Math.SQRT1_2],
    ['int8', Int8Array.of(127, 0), Int8Array.of(90, 90), 2, Math.SQRT1_2],
    ['uint8', Uint8Array.of(255, 128), Uint8Array.of(218, 218), 2, Math.SQRT1_2],
    // Of 12 numbers, which differ in 3.
    ['ubinary', Uint8Array.of(0b1111_0000, 0b1010_0000), Uint8Array.of(0b1111_0011, 0b1000_0000), 12, 0.5],
    ['binary', Int8Array.of(0b0111_0000, 0b0010_0000), Int8Array.of(0b0111_0011, 0), 12, 0.5],
  ] as const)('are compared by what their numbers stand for: %s', (type, a, b, dimension, expected) => {
    expect(similarity({ ...ONE, type, dense: a, dimension }, { ...ONE, type, dense: b, dimension })).toBeCloseTo(
      expected,
      3,
    );
  });

  it('of another number form do not compile, and are refused', () => {
    const float = { ...ONE, type: 'float', dense: Float32Array.of(1), dimension: 1 } as const;
    const bytes = {
      ...ONE,
      space: SPACES[1] as Fingerprint<'one'>,
      type: 'int8',
      dense: Int8Array.of(1),
      dimension: 1,
    } as const;
    // @ts-expect-error numbers of 32 bits and of 8
    expect(() => similarity(float, bytes)).toThrow(SpaceMismatchError);
  });

  it('say how many numbers their bytes hold', async () => {
    const answer: Answer = () =>
      Response.json(
        {
          model: 'm',
          data: [{ index: 0, embedding: Buffer.from([1, 2]).toString('base64') }],
          usage: { total_tokens: 1 },
        },
        { headers: { 'x-embedding-space': SPACES[0] } },
      );
    const { client } = clientOf(answer);
    expect(await client.model('m', { type: 'int8' }).embed('a')).toMatchObject({ type: 'int8', dimension: 2 });
    expect(await client.model('m', { type: 'binary' }).embed('a')).toMatchObject({ type: 'binary', dimension: 16 });
    const short = await client.model('m', { type: 'ubinary', dimensions: 12 }).embed('a');
    expect(short).toMatchObject({ type: 'ubinary', dimension: 12 });
    // @ts-expect-error a collection is searched by float vectors
    await client.search('docs', short).catch(() => undefined);
  });

  it('are what scores are computed from', async () => {
    const { client, seen } = clientOf(() => Response.json({ data: [], results: [] }));
    const model = client.model('m', { dimensions: 64, type: 'int8', space: SPACES[0] });
    await model.similarity('a', ['b']);
    await model.rerank('a', ['b']);
    for (const { body, headers } of seen) {
      expect(body).toMatchObject({ dimensions: 64, output_dtype: 'int8' });
      expect(headers.get('x-embedding-space')).toBe(SPACES[0]);
    }
    expect(seen).toHaveLength(2);
  });
});

describe('other routes', () => {
  it('encodes all heads, and a text that is refused fails alone', async () => {
    const { client, seen } = clientOf(() =>
      Response.json({
        model: 'm',
        embedding_space: SPACES[0],
        data: [
          { index: 1, error: { code: 'input_too_long', message: 'long' } },
          {
            index: 0,
            dense: float32(1, 2),
            sparse: { '7': 0.5 },
            colbert: [float32(3)],
            tokens: 4,
            total_tokens: 5,
            truncated: true,
          },
        ],
        usage: {},
      }),
    );
    const found = await client.model('m').encodeAll(['a', 'b'], { heads: ['dense', 'sparse', 'colbert'] });
    expect(found).toEqual([
      {
        dense: Float32Array.of(1, 2),
        type: 'float',
        dimension: 2,
        sparse: new Map([[7, 0.5]]),
        colbert: [Float32Array.of(3)],
        space: SPACES[0],
        model: 'm',
        tokens: 4,
        totalTokens: 5,
        truncated: true,
      },
      { error: { code: 'input_too_long', message: 'long' } },
    ]);
    expect(seen[0]?.body).toMatchObject({ inputs: ['a', 'b'], heads: ['dense', 'sparse', 'colbert'] });
  });

  it('searches by a text, and by a vector with its space', async () => {
    const { client, seen } = clientOf((each) =>
      each.path.endsWith('search')
        ? Response.json({
            embedding_space: SPACES[0],
            scan: 'exact',
            data: [{ id: 'x', score: 1, stale: false, text: 't' }],
          })
        : embeddings(each),
    );
    expect(await client.search('my docs', 'question', { limit: 3, includeText: true })).toEqual({
      hits: [{ id: 'x', score: 1, isStale: false, text: 't' }],
      space: SPACES[0],
      scan: 'exact',
    });
    expect(seen[0]?.path).toBe('/prefix/v1/collections/my%20docs/search');
    expect(seen[0]?.body).toEqual({ query: 'question', limit: 3, include_text: true });
    await client.search('docs', await client.model('m').embed('a'));
    expect(seen[2]?.headers.get('x-embedding-space')).toBe(SPACES[0]);
    expect(seen[2]?.body['query']).toEqual([1, 1]);
  });
});
