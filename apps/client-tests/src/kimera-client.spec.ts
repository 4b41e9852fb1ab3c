import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type RunningServer } from '@kimera/api';
import { KimeraClient, similarity } from '@kimera/client';
import { cosine } from '@kimera/core';
import { parseConfiguration } from '@kimera/serving';
import { pino } from 'pino';
import { contractOf, KEY, MODEL, RETRY_AFTER, ROOT, type Contract } from './contract.js';
import { startServers, type Servers } from './servers.js';

let servers: Servers;
let contract: Contract;
beforeAll(async () => {
  servers = await startServers();
  contract = contractOf(servers.url, servers.busy);
});
afterAll(() => servers.close());

describe('@kimera/client', () => {
  const client = (options: Partial<ConstructorParameters<typeof KimeraClient>[0]> = {}): KimeraClient =>
    new KimeraClient({ url: servers.url, apiKey: KEY, ...options });

  it('gets many texts by several requests, in order, in one space', async () => {
    const found = await client({ chunkTexts: 7, concurrency: 3 }).model(MODEL).embedAll(contract.many);
    expect(found).toHaveLength(contract.many.length);
    found.forEach(({ dense }, i) =>
      expect(cosine(dense, Float32Array.from(contract.manyVectors[i] ?? []))).toBeGreaterThan(0.99999),
    );
    expect(new Set(found.map(({ space }) => space)).size).toBe(1);
    const [a, b] = found;
    if (a === undefined || b === undefined) throw new Error('no vectors');
    expect(similarity(a, a)).toBeCloseTo(1, 5);
    expect(similarity(a, b)).toBeLessThan(0.999);
  });

  it('says which text was cut, and refuses it with limit and tokens where it is not to be', async () => {
    const model = client({ chunkTexts: 2 }).model(MODEL);
    const texts = ['a', 'b', contract.long, 'c'];
    expect((await model.embedAll(texts, { truncate: true })).map(({ truncated }) => truncated)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    await expect(model.embedAll(texts)).rejects.toMatchObject({
      code: 'TEXT_TOO_LONG',
      message: expect.stringMatching(`${contract.longTokens}.*${contract.maxTokens}`),
    });
  });

  it('gets the error class of each refusal', async () => {
    await expect(client().model('nothing').embed('x')).rejects.toMatchObject({
      code: 'UNKNOWN_MODEL',
      message: expect.stringContaining(MODEL),
    });
    await expect(client({ apiKey: 'wrong' }).model(MODEL).embed('x')).rejects.toMatchObject({ code: 'KEY_REFUSED' });
    await expect(
      client()
        .model(MODEL, { space: 'f'.repeat(64) })
        .embed('x'),
    ).rejects.toMatchObject({
      code: 'SPACE_REFUSED',
    });
    await expect(client({ url: 'http://127.0.0.1:1', retries: 0 }).models()).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
    });
  });

  it('waits as long as a busy server asks', async () => {
    const started = performance.now();
    await client({ url: `${servers.busy}/kimera-client` })
      .model(MODEL)
      .embed('x');
    expect(performance.now() - started).toBeGreaterThan(RETRY_AFTER * 900);
  });

  it('knows the space of a model before it embeds', async () => {
    const [model] = await client().models();
    const { space } = await client().model(MODEL).embed('x');
    expect(model).toMatchObject({ id: MODEL, space, dimension: contract.dimension, maxTokens: contract.maxTokens });
  });

  it('gets a slice, which is a space of its own', async () => {
    const { dense, space } = await client()
      .model(MODEL, { dimensions: contract.sliced.length })
      .embed(contract.texts[0] ?? '');
    expect(cosine(dense, Float32Array.from(contract.sliced))).toBeGreaterThan(0.99999);
    const spaces = await client().spaces();
    expect(spaces.find(({ fingerprint }) => fingerprint === space)).toMatchObject({
      dimension: contract.sliced.length,
      isTrained: false,
    });
  });

  it('encodes: a text that is refused fails alone', async () => {
    const found = await client({ chunkTexts: 2 })
      .model(MODEL)
      .encodeAll(['a', contract.long, 'b'], { heads: ['dense'] });
    expect(found.map((each) => ('error' in each ? each.error.code : each.tokens))).toEqual([3, 'input_too_long', 3]);
  });

  it('scores texts, and puts documents in order', async () => {
    const model = client().model(MODEL);
    const [near, far] = await model.similarity('a cat', ['a kitten', 'tax law']);
    expect(near?.score).toBeGreaterThan(far?.score ?? 1);
    const best = await model.rerank('a cat', ['tax law', 'a kitten'], { top: 1 });
    expect(best.map(({ index }) => index)).toEqual([1]);
  });
});

describe('@kimera/client, in derived spaces', () => {
  let server: RunningServer;
  let small: KimeraClient;
  const NAME = 'bge-m3-tiny';
  const TEXTS = ['a cat sits on the mat', 'the stock market fell today', 'kittens', 'rivers and stones'];
  beforeAll(async () => {
    server = await startServer(
      parseConfiguration({ ONNX_MODEL_PATH: `fixtures/models/${NAME}`, PORT: '0' }, ROOT),
      pino({ enabled: false }),
    );
    small = new KimeraClient({ url: server.url, chunkTexts: 4_096, chunkCharacters: 8_000_000 });
  });
  afterAll(() => server.close());

  it.each([
    {},
    { dimensions: 8 },
    { type: 'int8' },
    { type: 'uint8' },
    { type: 'binary' },
    { type: 'ubinary' },
    { dimensions: 12, type: 'int8' },
    { dimensions: 12, type: 'ubinary' },
    { dimensions: 12, type: 'binary' },
  ] as const)('scores are those of the vectors, in their space: %j', async (options) => {
    const model = small.model(NAME, options);
    const [query, ...documents] = await model.embedAll(TEXTS);
    if (query === undefined) throw new Error('no vector');
    expect(new Set(documents.map(({ space }) => space))).toEqual(new Set([query.space]));
    const ofVectors = documents.map((document) => similarity(query, document));
    const pinned = small.model(NAME, { ...options, space: query.space });
    const scores = await pinned.similarity(TEXTS[0] ?? '', TEXTS.slice(1));
    scores.forEach(({ score }, i) => expect(score).toBeCloseTo(ofVectors[i] ?? NaN, 4));
    // A query and a document have no prompts here, so that the order is that of the scores.
    const ranked = await pinned.rerank(TEXTS[0] ?? '', TEXTS.slice(1));
    expect(ranked.map(({ score }) => score)).toEqual(scores.map(({ score }) => score).toSorted((a, b) => b - a));
    const known = (await small.spaces()).find(({ fingerprint }) => fingerprint === query.space);
    expect(known).toMatchObject({
      dimension: query.dimension,
      type: query.type === 'float' ? 'float32' : query.type,
      model: query.model,
    });
    const whole = await small.model(NAME).embed('a');
    const isOwn = whole.space === query.space;
    expect(isOwn).toBe(Object.keys(options).length === 0);
    expect(known?.parent).toBe(isOwn ? null : whole.space);
  });

  it('other scores than the dense one are not in a space of quantized vectors', async () => {
    const model = small.model(NAME, { type: 'int8' });
    for (const score of ['lexical', 'colbert'] as const)
      await expect(model.similarity('a', ['b'], { score })).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        refusal: { reason: 'unsupported_output_dtype' },
      });
    const [hybrid] = await model.similarity('a', ['b'], { score: 'hybrid' });
    expect(Object.keys(hybrid?.scores ?? {})).toEqual(['dense']);
    const [both] = await small.model(NAME, { dimensions: 8 }).similarity('a', ['b'], { score: 'hybrid' });
    expect(Object.keys(both?.scores ?? {}).sort()).toEqual(['colbert', 'dense', 'lexical']);
  });

  it('vectors of the parent and of a derived space are not compared, nor asked for in the other', async () => {
    const [whole, short] = [await small.model(NAME).embed('a'), await small.model(NAME, { dimensions: 8 }).embed('a')];
    // @ts-expect-error two spaces
    expect(() => similarity(whole, short)).toThrow(expect.objectContaining({ code: 'SPACE_MISMATCH' }));
    for (const [options, space] of [
      [{ dimensions: 8 }, whole.space],
      [{}, short.space],
      [{ dimensions: 8, type: 'int8' }, short.space],
    ] as const) {
      const pinned = small.model(NAME, { ...options, space });
      for (const ask of [() => pinned.embed('a'), () => pinned.similarity('a', ['b']), () => pinned.rerank('a', ['b'])])
        await expect(ask()).rejects.toMatchObject({ code: 'SPACE_REFUSED', kind: 'refused' });
    }
  });

  it.each([
    ['a few', (index: number) => index === 3 || index === 4],
    ['every second', (index: number) => index % 2 === 1],
  ])('says which of 2,048 texts were cut: %s', async (_which, isLong) => {
    const tiny = await startServer(
      parseConfiguration({ ONNX_MODEL_PATH: 'fixtures/models/bert-tiny-prompts', PORT: '0' }, ROOT),
      pino({ enabled: false }),
    );
    // Its limit is 48 tokens.
    const texts = Array.from({ length: 2_048 }, (_, index) => (isLong(index) ? 'word '.repeat(60) : `text ${index}`));
    const found = await new KimeraClient({ url: tiny.url, chunkTexts: 2_048 })
      .model('bert-tiny-prompts')
      .embedAll(texts, { truncate: true });
    await tiny.close();
    expect(found.map(({ truncated }) => truncated)).toEqual(texts.map((_, index) => isLong(index)));
  });
});
