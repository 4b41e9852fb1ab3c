import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cosine, deriveSpace, maxAbsDifference, norm } from '@kimera/core';
import { decodeVector, openModelFolder } from '@kimera/model-folder';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { z } from 'zod';
import { startServer, type RunningServer } from '../server.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
/** Dense, sparse and ColBERT. */
const FOLDER = 'fixtures/models/bge-m3-tiny';
let server: RunningServer;
let model = '';
beforeAll(async () => {
  server = await startServer(
    parseConfiguration({ ONNX_MODEL_PATH: FOLDER, PORT: '0' }, root),
    pino({ enabled: false }),
  );
  model = (await openModelFolder(`${root}/${FOLDER}`)).space.modelId;
});
afterAll(() => server.close());

const get = (path: string): Promise<Response> => fetch(server.url + path);
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const vectors = z.array(z.array(z.number()));
const TEXTS = ['a cat sits on the mat', 'the stock market fell today', 'kittens'];
const LONG = 'word '.repeat(9_000);

const itemSchema = z.object({
  index: z.int(),
  dense: z.union([z.string(), z.array(z.number())]).optional(),
  sparse: z.record(z.string(), z.number()).optional(),
  colbert: vectors.optional(),
  tokens: z.int().optional(),
  total_tokens: z.int().optional(),
  truncated: z.boolean().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
async function encode(body: object): Promise<readonly z.infer<typeof itemSchema>[]> {
  const response = await post('/v1/encode', body);
  const answer: unknown = await response.json();
  expect([response.status, answer]).toEqual([200, expect.anything()]);
  return z.object({ data: z.array(itemSchema) }).parse(answer).data;
}
async function embed(body: object): Promise<number[][]> {
  return vectors.parse(await (await post('/embed', body)).json());
}

describe('the heads of a model', () => {
  it('are the same from one pass, and from the route of each', async () => {
    const items = await encode({ inputs: TEXTS, heads: ['dense', 'sparse', 'colbert'] });
    const [dense, sparse] = [
      await embed({ inputs: TEXTS }),
      z
        .array(z.array(z.object({ index: z.int(), value: z.number() })))
        .parse(await (await post('/embed_sparse', { inputs: TEXTS })).json()),
    ];
    items.forEach((item, i) => {
      expect(maxAbsDifference(z.array(z.number()).parse(item.dense), dense[i] ?? [])).toBeLessThan(2e-6);
      expect(Object.keys(item.sparse ?? {}).map(Number)).toEqual(sparse[i]?.map(({ index }) => index));
      sparse[i]?.forEach(({ index, value }) => expect(item.sparse?.[index]).toBeCloseTo(value, 5));
      // One a token, but for the first.
      expect(item.colbert?.length).toBe((item.tokens ?? 0) - 1);
      for (const vector of item.colbert ?? []) expect(norm(vector)).toBeCloseTo(1, 5);
      expect(item).toMatchObject({ index: i, truncated: false, tokens: item.total_tokens });
    });
  });

  it('of base64 are the bytes of the numbers', async () => {
    const [plain] = await encode({ inputs: 'a cat' });
    const [coded] = await encode({ inputs: 'a cat', encoding_format: 'base64' });
    expect(maxAbsDifference(decodeVector(String(coded?.dense)), z.array(z.number()).parse(plain?.dense))).toBeLessThan(
      2e-6,
    );
  });
});

describe('a bad input among good ones', () => {
  it.each([
    ['too long', LONG, 'input_too_long'],
    ['empty', '', 'empty_input'],
    ['null', null, 'invalid_request'],
    ['an object', { text: 'a' }, 'invalid_request'],
    ['a token id beyond the vocabulary', [0, 9_999_999, 2], 'invalid_token_id'],
    ['a token id below 0', [0, -1, 2], 'invalid_request'],
  ])('%s fails alone', async (_what, bad, code) => {
    const alone = await encode({ inputs: [TEXTS[0]] });
    const items = await encode({ inputs: [TEXTS[0], bad, TEXTS[1], bad, TEXTS[2]] });
    expect(items.map(({ error }) => error?.code)).toEqual([undefined, code, undefined, code, undefined]);
    expect(items.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(items[1]).toEqual({ index: 1, error: { code, message: expect.any(String) } });
    const [first] = items;
    expect(
      maxAbsDifference(z.array(z.number()).parse(first?.dense), z.array(z.number()).parse(alone[0]?.dense)),
    ).toBeLessThan(2e-6);
  });

  it('does not make the others count twice in the headers', async () => {
    const { headers } = await post('/v1/encode', { inputs: ['a cat', [0, 9_999_999, 2], 'kittens'] });
    expect(headers.get('x-compute-characters')).toBe('12');
  });

  it('that is too long is cut by itself where that is asked for', async () => {
    const items = await encode({ inputs: ['a', LONG], truncate: true });
    expect(items.map(({ truncated }) => truncated)).toEqual([false, true]);
    expect(items[1]?.total_tokens).toBeGreaterThan(items[1]?.tokens ?? Infinity);
  });

  it.each([
    ['another head', { heads: ['colours'] }, 'invalid_request'],
    ['an unknown role', { role: 'nothing' }, 'invalid_request'],
    ['too many dimensions', { dimensions: 100_000 }, 'unsupported_dimensions'],
    [
      'another form of a head that has one alone',
      { output_dtype: 'int8', heads: ['sparse'] },
      'unsupported_output_dtype',
    ],
    ['an unknown form', { output_dtype: 'float16' }, 'invalid_request'],
    ['no input', { inputs: [] }, 'empty_input'],
    ['another model', { model: 'nope' }, 'model_not_found'],
  ])('is not %s, which fails the request', async (_what, fields, code) => {
    const response = await post('/v1/encode', { inputs: ['a'], ...fields });
    expect([response.status, await response.json()]).toEqual([
      code === 'model_not_found' ? 404 : 400,
      { error: expect.objectContaining({ code }) },
    ]);
  });
});

describe('vectors of a derived space', () => {
  it('of fewer dimensions are the first numbers, normalised again, under a fingerprint of their own', async () => {
    const { space } = await openModelFolder(`${root}/${FOLDER}`);
    const derived = await deriveSpace(space, { dimensions: 8 });
    const [whole] = await embed({ inputs: TEXTS[0] });
    const first = whole?.slice(0, 8) ?? [];
    const expected = first.map((value) => value / norm(first));
    for (const [path, body] of [
      ['/embed', { inputs: TEXTS[0], dimensions: 8 }],
      ['/v1/embeddings', { input: TEXTS[0], model, dimensions: 8 }],
      ['/v1/encode', { inputs: TEXTS[0], dimensions: 8 }],
    ] as const) {
      const response = await post(path, body);
      expect([response.status, response.headers.get('x-embedding-space')]).toEqual([200, derived.fingerprint]);
      const text = await response.text();
      const [numbers = ''] = /(?<=\[)-?[\d.e]+,[^\]]+/.exec(text) ?? [];
      expect(maxAbsDifference(numbers.split(',').map(Number), expected)).toBeLessThan(2e-6);
    }
    expect(await (await get('/v1/spaces')).json()).toMatchObject({
      data: expect.arrayContaining([
        expect.objectContaining({ id: space.fingerprint, parent: null, trained: true, dimension: space.dimension }),
        expect.objectContaining({ id: derived.fingerprint, parent: space.fingerprint, trained: false, dimension: 8 }),
      ]),
    });
  });

  it('are in the space that the header asks for, or refused', async () => {
    const { space } = await openModelFolder(`${root}/${FOLDER}`);
    const derived = await deriveSpace(space, { dimensions: 8 });
    for (const [path, body] of [
      ['/embed', { inputs: 'a', dimensions: 8 }],
      ['/v1/embeddings', { input: 'a', model, dimensions: 8 }],
      ['/v1/encode', { inputs: 'a', dimensions: 8 }],
    ] as const) {
      const status = async (asked: string): Promise<number> =>
        (await post(path, body, { 'x-embedding-space': asked })).status;
      expect(await status(derived.fingerprint)).toBe(200);
      expect(await status(space.fingerprint)).toBe(path === '/embed' ? 422 : 400);
    }
  });

  it.each([
    ['int8', (v: number) => Math.round(v * 127)],
    ['uint8', (v: number) => Math.round(v * 127) + 128],
  ] as const)('of %s are whole numbers of a fixed scale', async (output_dtype, expected) => {
    const [whole] = await embed({ inputs: TEXTS[0] });
    const [item] = await encode({ inputs: TEXTS[0], output_dtype });
    expect(maxAbsDifference(z.array(z.int()).parse(item?.dense), whole?.map(expected) ?? [])).toBeLessThanOrEqual(1);
    const coded = z
      .object({ data: z.tuple([z.object({ embedding: z.string() })]) })
      .parse(
        await (
          await post('/v1/embeddings', { input: TEXTS[0], model, output_dtype, encoding_format: 'base64' })
        ).json(),
      ).data[0].embedding;
    const bytes = Buffer.from(coded, 'base64');
    expect(Array.from(output_dtype === 'int8' ? new Int8Array(bytes) : bytes)).toEqual(item?.dense);
  });

  it('of ubinary are bits, the first number in the highest', async () => {
    const [whole = []] = await embed({ inputs: TEXTS[0] });
    const [item] = await encode({ inputs: TEXTS[0], output_dtype: 'ubinary' });
    const bits = z
      .array(z.int())
      .parse(item?.dense)
      .flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1));
    expect(bits).toEqual(whole.map((value) => (value > 0 ? 1 : 0)));
  });
});

describe('scores', () => {
  const scored = z.object({ index: z.int(), scores: z.record(z.string(), z.number()) });
  const [query, ...documents] = ['a small cat', ...TEXTS];

  it('are those of the vectors, head by head, and the hybrid their weighted mean', async () => {
    const items = await encode({ inputs: [query, ...documents] });
    const dense = items.map((item) => z.array(z.number()).parse(item.dense));
    const { data } = z
      .object({ data: z.array(scored.extend({ score: z.number() })) })
      .parse(await (await post('/v1/similarity', { source: query, targets: documents, score: 'hybrid' })).json());
    data.forEach(({ index, score, scores }, i) => {
      expect(index).toBe(i);
      expect(scores['dense']).toBeCloseTo(cosine(dense[0] ?? [], dense[i + 1] ?? []), 5);
      const { dense: d = 0, lexical = 0, colbert = 0 } = scores;
      expect(score).toBeCloseTo(0.4 * d + 0.2 * lexical + 0.4 * colbert, 5);
    });
    const tei = await (await post('/similarity', { inputs: { source_sentence: query, sentences: documents } })).json();
    z.array(z.number())
      .parse(tei)
      .forEach((score, i) => expect(score).toBeCloseTo(data[i]?.scores['dense'] ?? NaN, 5));
  });

  it.each(['dense', 'lexical', 'colbert', 'hybrid'])('put the best first: %s', async (score) => {
    const { results } = z
      .object({ results: z.array(scored.extend({ relevance_score: z.number() })) })
      .parse(await (await post('/v1/rerank', { query, documents, score })).json());
    const values = results.map(({ relevance_score }) => relevance_score);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(results.map(({ index }) => index).toSorted()).toEqual([0, 1, 2]);
    const some = await (
      await post('/v1/rerank', {
        query,
        documents: documents.map((text) => ({ text })),
        score,
        top_n: 2,
        return_documents: true,
      })
    ).json();
    expect(some).toMatchObject({
      results: results.slice(0, 2).map(({ index }) => ({ index, document: { text: documents[index] } })),
    });
  });

  it.each([
    [{ documents: [] }, 'documents'],
    [{ documents: ['a', ''] }, 'documents.1'],
    [{ documents: ['a', 5] }, 'documents.1'],
    [{ query: '' }, 'query'],
    [{ score: 'best' }, 'score'],
    [{ weights: { dense: 1 } }, 'weights'],
    [{ score: 'hybrid', weights: { dense: -1 } }, 'weights.dense'],
    [{ top_n: 0 }, 'top_n'],
    [{ score: 'hybrid', weights: { dense: 0 } }, 'weights'],
    [{ score: 'hybrid', weights: { dense: null, lexical: 0 } }, 'weights'],
    [{ score: 'hybrid', weights: { dense: 1e308, lexical: 1e308 } }, 'weights.dense'],
  ])('are refused: %j', async (fields, param) => {
    const response = await post('/v1/rerank', { query, documents, ...fields });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.objectContaining({ param, code: 'invalid_request' }) },
    ]);
  });
});

describe('a field that is null', () => {
  it.each([
    [{}, { weights: null }],
    [{}, { weights: { dense: null, lexical: null, colbert: null } }],
    [{}, { score: null, weights: {} }],
    [{ score: 'hybrid' }, { score: 'hybrid', weights: { dense: null } }],
    [
      { score: 'hybrid', weights: { dense: 1 } },
      { score: 'hybrid', weights: { dense: 1, lexical: null } },
    ],
  ])('is one that is left out: %j, %j', async (without, withNull) => {
    const ask = async (fields: object): Promise<unknown> =>
      (await post('/v1/rerank', { query: 'a', documents: ['b', 'c'], ...fields })).json();
    expect(await ask(withNull)).toEqual(await ask(without));
  });

  it.each(['/v1/embeddings', '/v1/encode', '/embed', '/tokenize', '/decode'])(
    '%s refuses a body without what it is about, in plain words',
    async (path) => {
      for (const inputs of [{}, { input: null, inputs: null, ids: null }, { input: {}, inputs: {}, ids: {} }]) {
        const response = await post(path, { model, ...inputs });
        expect([400, 422]).toContain(response.status);
        expect(await response.text()).toMatch(
          /(?:input|inputs|ids): expected a [a-z ,]+, got (?:nothing|null|an object)/,
        );
      }
    },
  );
});

describe('the form of vectors', () => {
  it.each([{ normalize: false }, { output_dtype: 'int8' }, { output_dtype: 'ubinary' }, { dimensions: 8 }])(
    'is the same on all routes: %j',
    async (fields) => {
      const all = await Promise.all([
        post('/v1/embeddings', { model, input: 'a', ...fields }),
        post('/v1/encode', { inputs: 'a', ...fields }),
        post('/embed', { inputs: 'a', ...fields }),
      ]);
      const [openai, ours, tei] = await Promise.all(all.map((response) => response.json()));
      const vector = vectors.parse(tei)[0];
      expect(openai).toMatchObject({ data: [{ embedding: vector }] });
      expect(ours).toMatchObject({ data: [{ dense: vector }] });
      expect(new Set(all.map(({ headers }) => headers.get('x-embedding-space'))).size).toBe(1);
    },
  );

  it.each([
    ['/v1/embeddings', 'input_type'],
    ['/v1/encode', 'role'],
    ['/v1/similarity', 'role'],
  ])('%s names the field of a prompt that the model does not have', async (path, param) => {
    const body = { model, input: 'a', inputs: 'a', source: 'a', targets: ['b'], [param]: 'nothing' };
    expect(await (await post(path, body)).json()).toEqual({
      error: expect.objectContaining({ param, code: 'invalid_request' }),
    });
  });
});

describe('a model', () => {
  it.each(['raw', 'encoded', 'raw, and one at the end'])(
    'is told under its name, whose slash is %s, and under what follows it',
    async (slash) => {
      for (const name of [model, model.split('/').at(-1) ?? '']) {
        const response = await get(
          `/v1/models/${slash === 'encoded' ? encodeURIComponent(name) : name}${slash.endsWith('end') ? '/' : ''}`,
        );
        expect([response.status, await response.json()]).toEqual([
          200,
          expect.objectContaining({
            id: model,
            dimension: expect.any(Number),
            max_tokens: expect.any(Number),
            heads: ['dense', 'sparse', 'colbert'],
            roles: expect.arrayContaining(['query', 'document']),
          }),
        ]);
      }
    },
  );
});

describe('routes of text-embeddings-inference', () => {
  it('take texts and token ids in one list', async () => {
    const mixed = await embed({ inputs: ['a cat', [0, 5, 2], 'kittens'] });
    const [first, last] = await embed({ inputs: ['a cat', 'kittens'] });
    const [ids] = await embed({ inputs: [0, 5, 2] });
    for (const [a, b] of [
      [mixed[0], first],
      [mixed[1], ids],
      [mixed[2], last],
    ])
      expect(maxAbsDifference(a ?? [], b ?? [])).toBeLessThan(2e-6);
  });

  it('tell in headers what an answer cost', async () => {
    const { headers } = await post('/embed', { inputs: ['a cat', 'kittens'] });
    expect(headers.get('x-compute-type')).toBe('cpu');
    for (const part of ['compute-time', 'total-time', 'tokenization-time', 'queue-time', 'inference-time'])
      expect(headers.get(`x-${part}`)).toMatch(/^\d+$/);
    expect([headers.get('x-compute-characters'), headers.get('x-truncated-inputs')]).toEqual(['12', '']);
    expect(Number(headers.get('x-compute-tokens'))).toBeGreaterThanOrEqual(6);
  });

  it('count inputs, tokens, batches and how long each part took', async () => {
    const figures = async (): Promise<ReadonlyMap<string, number>> => {
      const text = await (await get('/metrics')).text();
      return new Map(
        [...text.matchAll(/^(te_\w+)(?:\{[^}]*\})? ([\d.e+-]+)$/gm)].map(([, name = '', value]) => [
          name,
          Number(value),
        ]),
      );
    };
    const before = await figures();
    await embed({ inputs: [`a text that was not seen ${performance.now()}`, 'another one'] });
    const after = await figures();
    const rise = (name: string): number => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
    expect([rise('te_embed_count'), rise('te_request_input_length_count')]).toEqual([2, 2]);
    for (const part of ['tokenization', 'queue', 'inference'])
      expect(rise(`te_request_${part}_duration_count`)).toBe(1);
    expect(rise('te_request_inference_duration_sum')).toBeGreaterThan(0);
    expect(rise('te_batch_next_size_count')).toBeGreaterThanOrEqual(1);
    expect(rise('te_batch_next_tokens_sum')).toBeGreaterThanOrEqual(6);
  });

  it('refuse an empty text with 400, and what no model here gives with 424', async () => {
    for (const path of ['/embed', '/embed_sparse', '/'])
      for (const inputs of ['', ['a', '']]) {
        const response = await post(path, { inputs });
        expect([response.status, await response.json()]).toEqual([
          400,
          { error: expect.any(String), error_type: 'Empty' },
        ]);
      }
    for (const path of ['/rerank', '/predict', '/embed_all']) {
      const response = await post(path, { query: 'a', texts: ['b'], inputs: 'c' });
      expect([response.status, await response.json()]).toEqual([
        424,
        { error: expect.any(String), error_type: 'Backend' },
      ]);
    }
  });

  it('cut texts at the end that is asked for, in any case', async () => {
    const words = Array.from({ length: 9_000 }, (_, i) => (i < 4_500 ? 'first' : 'last')).join(' ');
    const vectorOf = async (truncation_direction: string | null): Promise<number[]> => {
      const [vector] = await embed({ inputs: words, truncate: true, truncation_direction });
      return vector ?? [];
    };
    const [left, LEFT, right, usual] = await Promise.all(['left', 'LEFT', 'Right', null].map(vectorOf));
    expect(left).toEqual(LEFT);
    expect(right).toEqual(usual);
    expect(maxAbsDifference(left ?? [], right ?? [])).toBeGreaterThan(1e-3);
    const item = (truncation_direction: string): Promise<unknown> =>
      encode({ inputs: words, truncate: true, truncation_direction }).then(([one]) => one?.dense);
    expect([await item('left'), await item('right')]).toEqual([left, right]);
  });

  it('give tokens with their bytes, and texts of tokens', async () => {
    const tokens = z.array(
      z.array(
        z.object({
          id: z.int(),
          text: z.string(),
          special: z.boolean(),
          start: z.int().nullable(),
          stop: z.int().nullable(),
        }),
      ),
    );
    const text = 'žluť cat 🐈';
    const tokenize = async (body: object) => tokens.parse(await (await post('/tokenize', body)).json());
    const [[first, ...rest] = []] = await tokenize({ inputs: text });
    expect(first).toEqual({ id: 0, text: '<s>', special: true, start: null, stop: null });
    for (const { text: piece, special, start, stop } of rest)
      if (!special)
        expect(
          Buffer.from(text)
            .subarray(start ?? 0, stop ?? 0)
            .toString(),
        ).toBe(piece);
    const plain = await tokenize({ inputs: [text, 'a'], add_special_tokens: false });
    expect(plain.flat().filter(({ special }) => special)).toEqual([]);
    const ids = plain.map((one) => one.map(({ id }) => id));
    expect(await (await post('/decode', { ids: ids[1] })).json()).toEqual(['a']);
    expect(await (await post('/decode', { ids })).json()).toEqual([expect.any(String), 'a']);
    const ends = [0, ...(ids[1] ?? []), 2];
    expect(await (await post('/decode', { ids: ends, skip_special_tokens: false })).json()).toEqual(['<s> a</s>']);
    expect(await (await post('/decode', { ids: ends })).json()).toEqual(['a']);
  });

  it.each([
    ['/decode', { ids: [] }, 400, 'Empty'],
    ['/decode', { ids: 'a' }, 422, 'Validation'],
    ['/decode', { ids: [[0], 'a'] }, 422, 'Validation'],
    ['/decode', { ids: [-1] }, 422, 'Validation'],
    ['/decode', { ids: [2 ** 31] }, 422, 'Tokenizer'],
    ['/tokenize', { inputs: [] }, 400, 'Empty'],
    ['/tokenize', { inputs: [1, 2] }, 422, 'Validation'],
    ['/tokenize', { inputs: ['a', null] }, 422, 'Validation'],
    ['/tokenize', { inputs: Array.from({ length: 8_193 }, () => 'a') }, 422, 'Validation'],
    ['/tokenize', {}, 422, 'Validation'],
    ['/tokenize', { inputs: 'a', prompt_name: 'nothing' }, 422, 'Validation'],
  ])('%s refuses %j', async (path, body, status, error_type) => {
    const response = await post(path, body);
    expect([response.status, await response.json()]).toEqual([status, { error: expect.any(String), error_type }]);
  });

  it.each(['up', 'lefty', ''])('refuse the truncation direction %j', async (truncation_direction) => {
    const response = await post('/embed', { inputs: 'a', truncation_direction });
    expect([response.status, await response.json()]).toEqual([
      422,
      {
        error: `truncation_direction: expected "left" or "right", got "${truncation_direction}"`,
        error_type: 'Validation',
      },
    ]);
  });

  it('tell the model and its limits', async () => {
    expect(await (await get('/info')).json()).toMatchObject({
      model_id: model,
      model_dtype: expect.any(String),
      served_model_name: model,
      model_type: { embedding: { pooling: 'cls' } },
      max_concurrent_requests: expect.any(Number),
      max_input_length: expect.any(Number),
      max_batch_tokens: expect.any(Number),
      max_client_batch_size: 8_192,
      auto_truncate: false,
      tokenization_workers: expect.any(Number),
      version: expect.any(String),
    });
  });
});
