import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cosine, maxAbsDifference } from '@kimera/core';
import { decodeVector } from '@kimera/model-folder';
import { FAST_MIN_COSINE, parseConfiguration } from '@kimera/serving';
import OpenAI from 'openai';
import { pino } from 'pino';
import { z } from 'zod';
import { startServer, type RunningServer } from './server.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const MODEL = 'sentence-transformers/all-MiniLM-L6-v2';

const goldensSchema = z.object({
  cases: z.array(z.object({ kind: z.string(), text: z.string(), embedding: z.string() })),
});
const { cases: goldens } = goldensSchema.parse(
  JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')),
);

const vectorsSchema = z.array(z.array(z.number()));
const embeddingsSchema = z.object({
  data: z.array(z.object({ embedding: z.union([z.string(), z.array(z.number())]) })),
});
const openaiErrorSchema = z.object({
  error: z.object({ message: z.string().min(1), type: z.string(), param: z.string().nullable(), code: z.string() }),
});

/** The first embedding of an answer of /v1/embeddings. */
async function firstEmbedding(response: Response): Promise<ArrayLike<number>> {
  const embedding = embeddingsSchema.parse(await response.json()).data[0]?.embedding ?? '';
  return typeof embedding === 'string' ? decodeVector(embedding) : embedding;
}

it('a server that was told no precision serves 8 bits of the shipped model, says so, and is near to the goldens', async () => {
  const server = await startServer(parseConfiguration({ PORT: '0' }, root), pino({ enabled: false }));
  const some = goldens.filter(({ kind }) => kind === 'english');
  expect(some.length).toBeGreaterThan(5);
  const response = await fetch(`${server.url}/embed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: some.map(({ text }) => text), truncate: true }),
  });
  expect(response.headers.get('x-embedding-variant')).toBe('int8');
  const vectors = vectorsSchema.parse(await response.json());
  const cosines = some.map(({ embedding }, i) => cosine(vectors[i] ?? [], decodeVector(embedding)));
  expect(Math.min(...cosines)).toBeGreaterThan(FAST_MIN_COSINE);
  // What was computed in float16 would be nearer.
  expect(Math.min(...cosines)).toBeLessThan(0.9999);
  const info: unknown = await (await fetch(`${server.url}/info`)).json();
  expect(JSON.stringify(info)).toContain('"int8"');
  await server.close();
});

describe('a server on the shipped model', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(
      {
        // Vectors are compared with goldens more closely than 8 bits are.
        ...parseConfiguration({ KIMERA_API_KEYS: 'secret, other', PORT: '0', KIMERA_VARIANT: 'full' }, root),
        bodyLimitBytes: 200_000,
      },
      pino({ enabled: false }),
    );
  });
  afterAll(() => server.close());

  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(server.url + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret', ...headers },
    });

  it('serves the official client, which asks for base64', async () => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'secret' });
    const some = goldens.filter(({ text }) => text.length > 0 && text.length < 300).slice(0, 40);
    const { data, usage, model } = await client.embeddings.create({
      model: MODEL,
      input: some.map(({ text }) => text),
    });
    data.forEach(({ embedding, index }, i) => {
      expect(index).toBe(i);
      expect(cosine(embedding, decodeVector(some[i]?.embedding ?? ''))).toBeGreaterThan(0.99999);
    });
    expect(model).toBe(MODEL);
    expect(usage.prompt_tokens).toBeGreaterThan(some.length * 2);
    expect((await client.models.retrieve(MODEL)).id).toBe(MODEL);
    await expect(client.embeddings.create({ model: 'gpt', input: 'x' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  it('gives the same vector as float, as base64, by /embed, at / and from token ids, with its space', async () => {
    const float = await post('/v1/embeddings', { model: MODEL, input: 'Hello world', encoding_format: 'float' });
    const space = float.headers.get('x-embedding-space');
    expect(space).toMatch(/^[0-9a-f]{64}$/);
    const expected = await firstEmbedding(float);
    expect(expected.length).toBe(384);
    for (const [path, body] of [
      ['/embed', { inputs: 'Hello world' }],
      ['/', { inputs: ['Hello world'] }],
      ['/embed', { inputs: [101, 7592, 2088, 102] }],
    ] as const) {
      const response = await post(path, body);
      expect(response.headers.get('x-embedding-space')).toBe(space);
      const [vector] = vectorsSchema.parse(await response.json());
      expect(maxAbsDifference(vector ?? [], expected)).toBeLessThan(2e-6);
    }
    const base64 = await firstEmbedding(
      await post('/v1/embeddings', { model: MODEL, input: [[101, 7592, 2088, 102]], encoding_format: 'base64' }),
    );
    expect(maxAbsDifference(base64, expected)).toBeLessThan(2e-6);
  });

  it.each([
    ['an empty text', 400, 'empty_input', { model: MODEL, input: '' }],
    ['an empty text in a list', 400, 'empty_input', { model: MODEL, input: ['a', ''] }],
    ['an empty list', 400, 'empty_input', { model: MODEL, input: [] }],
    ['a number', 400, 'invalid_request', { model: MODEL, input: 5 }],
    ['null', 400, 'invalid_request', { model: MODEL, input: null }],
    ['an object', 400, 'invalid_request', { model: MODEL, input: { text: 'a' } }],
    ['texts and numbers mixed', 400, 'invalid_request', { model: MODEL, input: ['a', 5] }],
    ['a list of null', 400, 'invalid_request', { model: MODEL, input: [null] }],
    ['fractions of token ids', 400, 'invalid_request', { model: MODEL, input: [1.5] }],
    ['a list without token ids', 400, 'invalid_request', { model: MODEL, input: [[]] }],
    ['another encoding', 400, 'invalid_request', { model: MODEL, input: 'a', encoding_format: 'hex' }],
    ['more dimensions', 400, 'unsupported_dimensions', { model: MODEL, input: 'a', dimensions: 385 }],
    ['an unknown form', 400, 'invalid_request', { model: MODEL, input: 'a', output_dtype: 'float16' }],
    ['an unknown role', 400, 'invalid_request', { model: MODEL, input: 'a', input_type: 'clustering' }],
    ['2,049 texts', 400, 'invalid_request', { model: MODEL, input: Array.from({ length: 2049 }, () => 'a') }],
    ['a token id beyond the vocabulary', 400, 'invalid_token_id', { model: MODEL, input: [100_000] }],
    ['a token id beyond int32', 400, 'invalid_token_id', { model: MODEL, input: [2 ** 32 + 101] }],
    ['a text beyond the limit', 400, 'input_too_long', { model: MODEL, input: 'word '.repeat(300) }],
    ['no model', 400, 'invalid_request', { input: 'a' }],
    ['a list as body', 400, 'invalid_request', []],
    ['an unknown model', 404, 'model_not_found', { model: 'nope', input: 'a' }],
    ['half a body', 400, 'malformed_json', '{"model":'],
    ['a body beyond the limit', 413, 'body_too_large', { model: MODEL, input: 'a'.repeat(300_000) }],
  ])('POST /v1/embeddings with %s is %i %s', async (_what, status, code, body) => {
    const response = await post('/v1/embeddings', body);
    expect(response.status).toBe(status);
    expect(openaiErrorSchema.parse(await response.json()).error.code).toBe(code);
  });

  it('refuses a path that is not there', async () => {
    const response = await post('/v1/nothing', {});
    expect([response.status, response.headers.get('allow')]).toEqual([404, null]);
    expect(openaiErrorSchema.parse(await response.json()).error.code).toBe('not_found');
  });

  it.each([
    ['POST', '/v1/models', 'GET, HEAD'],
    ['POST', `/v1/models/${MODEL}`, 'GET, HEAD'],
    ['GET', '/v1/embeddings', 'POST'],
    ['DELETE', '/embed', 'POST'],
    ['PUT', '/', 'POST, GET, HEAD'],
    ['POST', '/info', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
  ])('%s %s is 405, and Allow says %s', async (method, path, allow) => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    const body = z.object({ error: z.unknown() }).parse(await response.json());
    if (path.startsWith('/v1')) expect(openaiErrorSchema.parse(body).error.code).toBe('method_not_allowed');
  });

  it.each([
    ['an empty list', 400, 'Empty', { inputs: [] }],
    ['a number', 422, 'Validation', { inputs: 7 }],
    ['a text beyond the limit', 422, 'Validation', { inputs: 'word '.repeat(300) }],
    ['a token id beyond the vocabulary', 422, 'Tokenizer', { inputs: [1, 50_000] }],
    ['8,193 texts', 422, 'Validation', { inputs: Array.from({ length: 8_193 }, () => 'a') }],
    ['an unknown prompt', 422, 'Validation', { inputs: 'a', prompt_name: 'x' }],
    ['no JSON', 400, 'Validation', 'nonsense'],
    ['a body beyond the limit', 413, 'Validation', { inputs: 'a'.repeat(300_000) }],
  ])('POST /embed with %s is %i %s', async (_what, status, type, body) => {
    const response = await post('/embed', body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.any(String), error_type: type });
  });

  it('gives the pooled vector before its normalisation, in a space of its own', async () => {
    const [normal, pooled] = [
      await post('/embed', { inputs: 'Hello world' }),
      await post('/embed', { inputs: 'Hello world', normalize: false, truncate: true }),
    ];
    expect(pooled.headers.get('x-embedding-space')).not.toBe(normal.headers.get('x-embedding-space'));
    const unit = vectorsSchema.parse(await normal.json())[0] ?? [];
    const raw = vectorsSchema.parse(await pooled.json())[0] ?? [];
    const length = Math.hypot(...raw);
    expect(Math.abs(length - 1)).toBeGreaterThan(0.01);
    expect(
      maxAbsDifference(
        raw.map((value) => value / length),
        unit,
      ),
    ).toBeLessThan(2e-6);
  });

  it('survives all bad requests at once, and answers the next one', async () => {
    const bad = [
      '',
      '[',
      '{"inputs":"\\ud800',
      'null',
      '[]',
      '"text"',
      '{"inputs":null}',
      '{"inputs":{}}',
      '{"inputs":[[]]}',
      '{"inputs":[[-1]]}',
      '{"inputs":[1e99]}',
      '{"inputs":[true]}',
      '{"__proto__":{"inputs":"a"}}',
      '{"inputs":"a","truncate":"yes"}',
      '{"inputs":"a","dimensions":0}',
      '{"inputs":"a","prompt_name":"constructor"}',
      `{"inputs":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      JSON.stringify({ inputs: 'x '.repeat(99_000) }),
      'z'.repeat(250_000),
    ];
    const answers = await Promise.all(
      bad.flatMap((body) => ['/embed', '/v1/embeddings'].map((path) => post(path, body))),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status < 400 || status >= 500)).toEqual([]);
    const unauthorised = await Promise.all(
      ['Bearer', 'Basic secret', 'Bearer secret2', ''].map((authorization) =>
        post('/embed', { inputs: 'a' }, { authorization }),
      ),
    );
    expect(unauthorised.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    const abandoned = new AbortController();
    const leaving = fetch(`${server.url}/embed`, {
      method: 'POST',
      body: JSON.stringify({ inputs: Array.from({ length: 200 }, (_, i) => `text ${i} `.repeat(40)) }),
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
      signal: abandoned.signal,
    }).catch((reason: unknown) => reason);
    abandoned.abort(new Error('left'));
    expect(await leaving).toMatchObject({ message: 'left' });
    const { text, embedding } = goldens.find(({ kind }) => kind === 'english') ?? { text: '', embedding: '' };
    const [vector] = vectorsSchema.parse(await (await post('/embed', { inputs: text })).json());
    expect(cosine(vector ?? [], decodeVector(embedding))).toBeGreaterThan(0.99999);
  });

  it('cuts token ids as it cuts their text: the token that ends a text stays', async () => {
    const inputs = ['hello '.repeat(400), [101, ...Array.from({ length: 400 }, () => 7592), 102]];
    const vectors = await Promise.all(
      inputs.map(async (input) => {
        const response = await post('/v1/embeddings', { model: MODEL, input, truncate: true });
        expect([response.status, response.headers.get('x-truncated-inputs')]).toEqual([200, '0']);
        return firstEmbedding(response);
      }),
    );
    expect(maxAbsDifference(vectors[0] ?? [], vectors[1] ?? [])).toBeLessThan(2e-6);
  });

  it('refuses a model that is not in the space that the header asks for, once and for all', async () => {
    const other = 'f'.repeat(64);
    const response = await post('/v1/embeddings', { model: MODEL, input: 'a' }, { 'x-embedding-space': other });
    expect([response.status, response.headers.get('retry-after')]).toEqual([400, null]);
    expect(openaiErrorSchema.parse(await response.json()).error).toMatchObject({
      code: 'space_mismatch',
      type: 'invalid_request_error',
      message: expect.stringContaining(other),
    });
  });

  it('refuses a path that is not UTF-8', async () => {
    const response = await fetch(`${server.url}/v1/models/%E0`, { headers: { authorization: 'Bearer secret' } });
    expect(response.status).toBe(400);
    expect(openaiErrorSchema.parse(await response.json()).error.code).toBe('invalid_request');
  });

  it.each([
    [
      '/v1/embeddings',
      { model: MODEL, input: ['a', 'b', 7] },
      400,
      { error: { code: 'invalid_request', param: 'input.2' } },
    ],
    [
      '/v1/embeddings',
      { model: MODEL, input: Array.from({ length: 300 }, () => 7592) },
      400,
      { error: { code: 'input_too_long', message: expect.stringContaining('has 300 tokens, the limit is 256') } },
    ],
    [
      '/v1/embeddings',
      { model: MODEL, input: Array.from({ length: 2_049 }, () => [1]) },
      400,
      { error: { code: 'invalid_request', message: 'input has 2049 items, the limit is 2048' } },
    ],
    ['/embed', { inputs: [[1], [2, -3]] }, 422, { error: expect.stringContaining('inputs.1.1') }],
    [
      '/embed',
      { inputs: Array.from({ length: 300 }, () => 7592) },
      422,
      { error: '`inputs` must have less than 256 tokens. Given: 300' },
    ],
  ])('%s says what is wrong with its inputs', async (path, body, status, answer) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject(answer);
  });

  it('answers many texts with valid JSON in order', async () => {
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
    const [all, alone] = [
      vectorsSchema.parse(await (await post('/embed', { inputs: texts })).json()),
      vectorsSchema.parse(await (await post('/embed', { inputs: texts[57] })).json()),
    ];
    expect(all.length).toBe(100);
    expect(maxAbsDifference(all[57] ?? [], alone[0] ?? [])).toBeLessThan(2e-6);
  });

  it('says what was cut', async () => {
    const response = await post('/v1/embeddings', { model: MODEL, input: ['a', 'word '.repeat(300)], truncate: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-truncated-inputs')).toBe('1');
    expect(response.headers.get('x-embedding-variant')).toBe('fp16');
  });

  it('embeds NUL, lone surrogates and unnormalised text', async () => {
    const response = await post('/embed', '{"inputs":["a\\u0000b","\\ud800","e\\u0301"]}');
    expect(response.status).toBe(200);
    expect(vectorsSchema.parse(await response.json()).length).toBe(3);
  });

  it('guards all but health and metrics, and refuses other content types', async () => {
    expect((await post('/embed', { inputs: 'a' }, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await fetch(`${server.url}/info`)).status).toBe(401);
    expect((await post('/embed', { inputs: 'a' }, { authorization: 'Bearer other' })).status).toBe(200);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('te_request_success');
    expect((await post('/embed', 'x=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    const info = await (await fetch(`${server.url}/info`, { headers: { authorization: 'Bearer secret' } })).json();
    expect(info).toMatchObject({
      model_id: MODEL,
      max_input_length: 256,
      dimension: 384,
      model_type: { embedding: { pooling: 'mean' } },
    });
  });
});
