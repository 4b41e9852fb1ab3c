import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HuggingfaceServerEmbeddingFunction } from '@chroma-core/huggingface-server';
import { OpenAIEmbeddingFunction } from '@chroma-core/openai';
import { featureExtraction, InferenceClient } from '@huggingface/inference';
import { cosine } from '@kimera/core';
import { OpenAIEmbeddings } from '@langchain/openai';
import { APICallError, embed, embedMany, RetryError } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { contractOf, KEY, MODEL, RETRY_AFTER, type Contract } from './contract.js';
import { startServers, type Servers } from './servers.js';

let servers: Servers;
let contract: Contract;
beforeAll(async () => {
  servers = await startServers();
  contract = contractOf(servers.url, servers.busy);
});
afterAll(() => servers.close());

const v1 = (): string => `${servers.url}/v1`;

/** Against sentence-transformers: float32 forward passes. */
function expectVectors(vectors: readonly (readonly number[])[], references: readonly (readonly number[])[]): void {
  expect(vectors.map(({ length }) => length)).toEqual(references.map(({ length }) => length));
  vectors.forEach((vector, index) => {
    expect(cosine(Float32Array.from(vector), Float32Array.from(references[index] ?? []))).toBeGreaterThan(0.99999);
    expect(Math.hypot(...vector)).toBeCloseTo(Math.hypot(...(references[index] ?? [])), 4);
  });
}

/** What the call throws. */
async function thrown(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('answered instead of refused');
}

/** The first answer is 429: the client comes again after the seconds that it names. */
async function expectRetried<T>(call: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const answer = await call();
  expect(performance.now() - started).toBeGreaterThan(RETRY_AFTER * 900);
  return answer;
}

describe('openai', () => {
  const client = (path = '', options: { readonly apiKey?: string; readonly maxRetries?: number } = {}): OpenAI =>
    new OpenAI({
      baseURL: path === '' ? v1() : `${servers.busy}/${path}/v1`,
      apiKey: KEY,
      maxRetries: 0,
      ...options,
    });
  const create = async (body: Omit<OpenAI.EmbeddingCreateParams, 'model'>, by = client()): Promise<number[][]> =>
    (await by.embeddings.create({ model: MODEL, ...body })).data.map(({ embedding }) => embedding);

  it('gets one text, a batch, more than 32 texts, and floats, in order', async () => {
    expectVectors(await create({ input: contract.texts[0] ?? '' }), contract.vectors.slice(0, 1));
    expectVectors(await create({ input: [...contract.texts], encoding_format: 'float' }), contract.vectors);
    expectVectors(await create({ input: [...contract.many] }), contract.manyVectors);
  });

  it('gets fewer dimensions, normalised again, and a refusal for more than there are', async () => {
    const input = contract.texts[0] ?? '';
    expectVectors(await create({ input, dimensions: contract.sliced.length }), [contract.sliced]);
    expect(await thrown(() => create({ input, dimensions: contract.dimension + 1 }))).toMatchObject({
      status: 400,
      message: expect.stringContaining(String(contract.dimension)),
    });
  });

  it('sends token ids', async () => {
    expectVectors(
      await create({ input: contract.ids.slice(0, 3).map((ids) => [...ids]) }),
      contract.vectors.slice(0, 3),
    );
  });

  it('gets the error class of each refusal', async () => {
    const errorOf = (input: string | string[], by?: OpenAI) => thrown(() => create({ input }, by));
    expect(
      await thrown(() => client().embeddings.create({ model: 'text-embedding-3-small', input: 'x' })),
    ).toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'model_not_found',
      param: 'model',
      message: expect.stringContaining(MODEL),
    });
    const long = await errorOf([contract.texts[0] ?? '', contract.long]);
    expect(long).toMatchObject({ constructor: OpenAI.BadRequestError, type: 'invalid_request_error', param: 'input' });
    expect(String(long)).toMatch(new RegExp(`${contract.longTokens}.*${contract.maxTokens}`));
    expect(await errorOf('')).toBeInstanceOf(OpenAI.BadRequestError);
    expect(await errorOf([])).toBeInstanceOf(OpenAI.BadRequestError);
    expect(await errorOf('x', client('', { apiKey: 'wrong' }))).toMatchObject({
      constructor: OpenAI.AuthenticationError,
      code: 'invalid_api_key',
    });
    expect(await errorOf('x', client('always'))).toBeInstanceOf(OpenAI.RateLimitError);
  });

  it('waits as long as a 429 says', async () => {
    const by = client('openai-node', { maxRetries: 2 });
    expectVectors(
      await expectRetried(() => create({ input: contract.texts[0] ?? '' }, by)),
      contract.vectors.slice(0, 1),
    );
  });

  it('lists models, and gets one by its id', async () => {
    const ids: string[] = [];
    for await (const { id } of client().models.list()) ids.push(id);
    expect(ids).toContain(MODEL);
    expect((await client().models.retrieve(MODEL)).id).toBe(MODEL);
  });

  it('gets the space of the vectors and the id of the request', async () => {
    const { response, request_id: id } = await client().embeddings.create({ model: MODEL, input: 'x' }).withResponse();
    expect(response.headers.get('x-embedding-space')).toMatch(/^[0-9a-f]{64}$/);
    expect(id).toEqual(expect.any(String));
  });
});

describe('@huggingface/inference', () => {
  const client = (): InferenceClient => new InferenceClient(KEY, { endpointUrl: servers.url });

  it('gets one text, a batch and more than 32 texts', async () => {
    const rows = z.array(z.array(z.number()));
    const features = async (inputs: string | string[]) => rows.parse(await client().featureExtraction({ inputs }));
    expectVectors(await features(contract.texts[0] ?? ''), contract.vectors.slice(0, 1));
    expectVectors(await features([...contract.texts]), contract.vectors);
    expectVectors(await features([...contract.many]), contract.manyVectors);
  });

  it('gets vectors that are not normalised', async () => {
    const inputs = contract.texts[0] ?? '';
    const [raw = []] = z
      .array(z.array(z.number()))
      .parse(await client().featureExtraction({ inputs, normalize: false, truncate: true }));
    expect(cosine(Float32Array.from(raw), Float32Array.from(contract.vectors[0] ?? []))).toBeGreaterThan(0.99999);
    expect(Math.abs(Math.hypot(...raw) - 1)).toBeGreaterThan(0.1);
  });

  it('gets the status of each refusal', async () => {
    const statusOf = (inputs: string, { accessToken = KEY, endpointUrl = servers.url } = {}) =>
      thrown(() => featureExtraction({ accessToken, endpointUrl, inputs }));
    expect(await statusOf(contract.long)).toMatchObject({ httpResponse: { status: 422 } });
    expect(await statusOf('x', { accessToken: 'wrong' })).toMatchObject({ httpResponse: { status: 401 } });
    expect(await statusOf('x', { endpointUrl: `${servers.busy}/always` })).toMatchObject({
      httpResponse: { status: 429 },
    });
  });
});

describe('LangChain', () => {
  const embeddings = (fields: Partial<ConstructorParameters<typeof OpenAIEmbeddings>[0]> = {}, url = v1()) =>
    new OpenAIEmbeddings({ model: MODEL, apiKey: KEY, maxRetries: 0, configuration: { baseURL: url }, ...fields });

  it('gets a query and documents, more than 32', async () => {
    expectVectors([await embeddings().embedQuery(contract.texts[0] ?? '')], contract.vectors.slice(0, 1));
    expectVectors(await embeddings().embedDocuments([...contract.many]), contract.manyVectors);
  });

  it('gets fewer dimensions, and floats where it asks for them', async () => {
    const short = embeddings({ dimensions: contract.sliced.length });
    expectVectors([await short.embedQuery(contract.texts[0] ?? '')], [contract.sliced]);
    const floats = embeddings({ encodingFormat: 'float' });
    expectVectors(await floats.embedDocuments([...contract.texts]), contract.vectors);
  });

  it('gets refusals with their reason, and retries a 429', async () => {
    expect(String(await thrown(() => embeddings({ model: 'nothing' }).embedQuery('x')))).toContain(MODEL);
    expect(String(await thrown(() => embeddings().embedQuery(contract.long)))).toContain(String(contract.longTokens));
    const again = embeddings({ maxRetries: 2 }, `${servers.busy}/langchain-js/v1`);
    expectVectors([await again.embedQuery(contract.texts[0] ?? '')], contract.vectors.slice(0, 1));
  });
});

describe('AI SDK', () => {
  const model = (name = MODEL, url = v1(), apiKey = KEY) =>
    createOpenAICompatible({ name: 'kimera', baseURL: url, apiKey }).embeddingModel(name);

  it('gets one value, and more than 32', async () => {
    const { embedding, usage } = await embed({ model: model(), value: contract.texts[0] ?? '' });
    expectVectors([embedding], contract.vectors.slice(0, 1));
    expect(usage.tokens).toBe(contract.tokens[0]);
    expectVectors((await embedMany({ model: model(), values: [...contract.many] })).embeddings, contract.manyVectors);
  });

  it('gets fewer dimensions', async () => {
    const { embedding } = await embed({
      model: model(),
      value: contract.texts[0] ?? '',
      providerOptions: { openaiCompatible: { dimensions: contract.sliced.length } },
    });
    expectVectors([embedding], [contract.sliced]);
  });

  it('gets refusals with their reason, and waits as long as a 429 says', async () => {
    const refusal = await thrown(() => embed({ model: model('nothing'), value: 'x', maxRetries: 0 }));
    expect(APICallError.isInstance(refusal) ? [refusal.statusCode, refusal.message] : []).toEqual([
      404,
      expect.stringContaining(MODEL),
    ]);
    const denied = await thrown(() => embed({ model: model(MODEL, v1(), 'wrong'), value: 'x' }));
    expect(APICallError.isInstance(denied) && denied.statusCode).toBe(401);
    const busy = await thrown(() =>
      embed({ model: model(MODEL, `${servers.busy}/always/v1`), value: 'x', maxRetries: 1 }),
    );
    expect(RetryError.isInstance(busy)).toBe(true);
    const { embedding } = await expectRetried(() =>
      embed({ model: model(MODEL, `${servers.busy}/ai-sdk/v1`), value: contract.texts[0] ?? '' }),
    );
    expectVectors([embedding], contract.vectors.slice(0, 1));
  });
});

describe('Chroma', () => {
  it('gets texts by both of its embedding functions', async () => {
    const openai = new OpenAIEmbeddingFunction({ apiKey: KEY, modelName: MODEL, apiBase: v1() });
    expectVectors(await openai.generate([...contract.many]), contract.manyVectors);
    const tei = new HuggingfaceServerEmbeddingFunction({ apiKey: KEY, url: `${servers.url}/embed` });
    expectVectors(await tei.generate([...contract.many]), contract.manyVectors);
  });

  it('gets fewer dimensions', async () => {
    const openai = new OpenAIEmbeddingFunction({
      apiKey: KEY,
      modelName: MODEL,
      apiBase: v1(),
      dimensions: contract.sliced.length,
    });
    expectVectors(await openai.generate([contract.texts[0] ?? '']), [contract.sliced]);
  });
});
