import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cosine, tokenBatch } from '@kimera/core';
import { checkClose, exact, float32, inferenceBackendConformance, tokenizerConformance } from '@kimera/testing';
import { z } from 'zod';
import { readJsonFixture } from '../fixtures.fixture.js';
import { hashText, InvalidHashedOptionsError, openHashedModel, type HashedOptions } from '../index.js';
import { CodePointTokenizer } from './code-point-tokenizer.js';

const runner = { describe, it, beforeAll, afterAll, expect };
const expectedSchema = z.object({
  hashes: z.array(z.object({ text: z.string(), seed: z.int(), hash: z.int() })),
  models: z.array(
    z.object({
      dimension: z.int(),
      seed: z.int(),
      texts: z.array(z.object({ text: z.string(), vector: z.array(z.number()) })),
    }),
  ),
});
const expected = readJsonFixture('hashed/expected.json', expectedSchema);
const tokenizer = new CodePointTokenizer();

tokenizerConformance(runner, { name: 'code points', open: () => Promise.resolve(tokenizer) });
inferenceBackendConformance(runner, {
  name: 'the hashed model',
  open: async () => (await openHashedModel({ maxTokens: 64 })).backend,
  texts: ['', 'the cat sat', 'another text, rather longer'].map(
    (text) => tokenizer.encode(text, { maxTokens: 64 }).ids,
  ),
  vocabularySize: tokenizer.vocabularySize,
  tolerance: exact,
});

async function embed(texts: readonly string[], options: HashedOptions = {}): Promise<readonly Float32Array[]> {
  const { backend, tokenizer: batches } = await openHashedModel(options);
  const { batch } = await batches.encodeBatch(texts, { maxTokens: backend.space.maxTokens });
  const { dense = new Float32Array() } = await backend.run(batch, { heads: ['dense'] });
  return texts.map((_, i) => dense.subarray(i * backend.space.dimension, (i + 1) * backend.space.dimension));
}

describe('the hashed model', () => {
  it('has the hashes of the second implementation', () => {
    for (const { text, seed, hash } of expected.hashes) expect(hashText(text, seed)).toBe(hash);
  });

  it.each(expected.models)('has its vectors: $dimension numbers, seed $seed', async ({ texts, ...options }) => {
    const vectors = await embed(
      texts.map(({ text }) => text),
      options,
    );
    texts.forEach(({ text, vector }, i) => checkClose(vectors[i] ?? [], vector, float32, JSON.stringify(text)));
  });

  it('finds texts alike that share words or parts of words', async () => {
    const [query, same, inflected, other] = await embed([
      'the invoice is unpaid',
      'The invoice is unpaid!',
      'unpaid invoices',
      'walking along a beach',
    ]);
    const similarity = (vector: Float32Array | undefined): number => cosine(query ?? [], vector ?? []);
    expect(similarity(same)).toBeGreaterThan(0.9);
    expect(similarity(inflected)).toBeGreaterThan(similarity(other) + 0.1);
  });

  it('names another space for other parameters', async () => {
    const fingerprints = await Promise.all(
      [{}, { seed: 1 }, { dimension: 256 }, { maxTokens: 512 }].map(
        async (options) => (await openHashedModel(options)).backend.space.fingerprint,
      ),
    );
    expect(new Set(fingerprints).size).toBe(4);
    expect((await openHashedModel({ seed: 0, dimension: 384, maxTokens: 8_192 })).backend.space.fingerprint).toBe(
      fingerprints[0],
    );
  });

  it.each([{ dimension: 1 }, { dimension: 2.5 }, { seed: -1 }, { seed: 2 ** 32 }, { maxTokens: 0 }])(
    'refuses %j',
    async (options) => {
      await expect(openHashedModel(options)).rejects.toBeInstanceOf(InvalidHashedOptionsError);
      await expect(openHashedModel(options)).rejects.toMatchObject({ code: 'INVALID_HASHED_OPTIONS' });
    },
  );

  it('lets other work run during a long batch', async () => {
    const { backend } = await openHashedModel();
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const { ids } = tokenizer.encode('some words to hash '.repeat(100), { maxTokens: 2_000 });
    await backend.run(tokenBatch(Array.from({ length: 20 }, () => ids)), { heads: ['dense'] });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});
