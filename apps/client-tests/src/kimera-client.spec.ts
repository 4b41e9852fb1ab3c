import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraClient, similarity } from '@kimera/client';
import { cosine } from '@kimera/core';
import { contractOf, KEY, MODEL, RETRY_AFTER, type Contract } from './contract.js';
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
