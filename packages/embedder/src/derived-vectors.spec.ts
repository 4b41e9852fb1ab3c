import { describe, expect, it } from '@jest/globals';
import {
  type Derivation,
  DerivedDimensionsError,
  DerivedDtypeError,
  DerivedHeadError,
  deriveSpace,
  deriveVector,
  type EmbeddingSpace,
  type HeadRequest,
  normalize,
  UnnormalizedOutputError,
  ZeroVectorError,
} from '@kimera/core';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import { Embedder, FallbackBackend } from './index.js';

const space = fakeSpace('derived', { dimension: 8, heads: ['dense', 'sparse', 'colbert'], trainedDimensions: [4] });
class Logged extends FakeBackend {
  readonly requests: HeadRequest[] = [];
  override run(...[batch, request]: Parameters<FakeBackend['run']>): ReturnType<FakeBackend['run']> {
    this.requests.push(request);
    return super.run(batch, request);
  }
}
function embedder(of: EmbeddingSpace = space): { readonly embed: Embedder; readonly backend: Logged } {
  const backend = new Logged({ space: of });
  const tokenizer = inlineBatchTokenizer();
  return { backend, embed: new Embedder({ backend, tokenizer, probes: [], cacheBytes: 1 << 20 }) };
}
/** How many of the tokens of `ab` are k modulo 8: [0, 98, 99]. */
const COUNTS = Float32Array.of(1, 0, 1, 1, 0, 0, 0, 0);

describe('vectors of a derived space', () => {
  it.each<readonly [Derivation, Float32Array]>([
    [{ dimensions: 3 }, normalize([1, 0, 1])],
    [{ normalize: false }, COUNTS],
    [{ normalize: false, dimensions: 2 }, Float32Array.of(1, 0)],
    [{ dimensions: 8 }, normalize(COUNTS)],
    [{}, normalize(COUNTS)],
  ])('by %j have its fingerprint and numbers, as texts and as ids', async (derivation, dense) => {
    const { embed } = embedder();
    const { fingerprint } = await deriveSpace(space, derivation);
    const [text] = await embed.encodeBatch(['ab'], { derivation });
    const [ids] = await embed.encodeTokens([Int32Array.of(0, 98, 99)], { derivation });
    expect(text).toMatchObject({ space: fingerprint, dense });
    expect(text).not.toHaveProperty('quantized');
    expect(ids).toEqual(text);
    expect((await embed.encodeText('ab', { derivation })).dense).toEqual(dense);
    expect((await embed.spaceOf(derivation)).fingerprint).toBe(fingerprint);
  });

  it.each(['int8', 'uint8', 'binary', 'ubinary'] as const)('as %s are of that type', async (dtype) => {
    const { embed } = embedder();
    const [embedding] = await embed.encodeBatch(['ab'], { derivation: { dtype } });
    const derived = await deriveSpace(space, { dtype });
    expect(embedding).toMatchObject({ space: derived.fingerprint, ...deriveVector(normalize(COUNTS), derived) });
    expect(embedding).not.toHaveProperty('dense');
  });

  it('come from one entry of the cache, those before the normalisation from another', async () => {
    const { embed, backend } = embedder();
    const of = async (derivation?: Derivation) => (await embed.encodeText('ab', { derivation })).dense;
    const [plain, cut, pooled] = [await of(), await of({ dimensions: 4 }), await of({ normalize: false })];
    expect(backend.requests.map((request) => request.normalize)).toEqual([undefined, false]);
    await embed.encodeText('ab', { derivation: { dtype: 'int8' } });
    expect([await of(), await of({ dimensions: 4 }), await of({ normalize: false })]).toEqual([plain, cut, pooled]);
    expect(await of({ normalize: false, dimensions: 1 })).toEqual(Float32Array.of(1));
    expect(backend.requests).toHaveLength(2);
  });

  it('do not mix with those of calls that run beside them', async () => {
    const { embed } = embedder();
    const calls = Array.from({ length: 40 }, (_, i) => ({ i, text: 'ab'.repeat(1 + (i % 5)) }));
    const answers = await Promise.all(
      calls.map(({ i, text }) => embed.encodeText(text, i % 2 === 0 ? { derivation: { normalize: false } } : {})),
    );
    for (const { i, text } of calls) {
      const k = text.length / 2;
      const counts = [1, 0, k, k, 0, 0, 0, 0];
      expect(answers[i]?.dense).toEqual(i % 2 === 0 ? Float32Array.from(counts) : normalize(counts));
    }
  });

  it('leave the other heads as they are, and a dtype has none', async () => {
    const { embed } = embedder();
    const heads = ['dense', 'sparse', 'colbert'] as const;
    const whole = await embed.encodeText('ab', { heads });
    const cut = await embed.encodeText('ab', { heads, derivation: { dimensions: 2 } });
    expect([cut.sparse, cut.colbert]).toEqual([whole.sparse, whole.colbert]);
    for (const head of ['sparse', 'colbert'] as const) {
      const call = embed.encodeText('ab', { heads: ['dense', head], derivation: { dtype: 'int8' } });
      await expect(call).rejects.toThrow(DerivedHeadError);
      await expect(call).rejects.toMatchObject({ code: 'DERIVED_HEAD', fields: { head, dtype: 'int8' } });
    }
  });

  it('are refused before anything is computed', async () => {
    const { embed, backend } = embedder();
    await expect(embed.encodeText('a', { derivation: { dimensions: 9 } })).rejects.toThrow(DerivedDimensionsError);
    await expect(embed.encodeTokens([Int32Array.of(0)], { derivation: { dimensions: 0 } })).rejects.toThrow(
      DerivedDimensionsError,
    );
    await expect(embed.encodeBatch([], { derivation: { normalize: false, dtype: 'int8' } })).rejects.toThrow(
      DerivedDtypeError,
    );
    expect(backend.requests).toEqual([]);
    // The first two numbers of 'b' without its start are zero.
    await expect(embed.encodeTokens([Int32Array.of(99)], { derivation: { dimensions: 2 } })).rejects.toThrow(
      ZeroVectorError,
    );
  });

  it('are of the model itself where its space does not normalise', async () => {
    const { embed, backend } = embedder(fakeSpace('long', { normalize: false }));
    const embedding = await embed.encodeText('ab', { derivation: { normalize: false } });
    expect(embedding).toMatchObject({ space: embed.space.fingerprint, dense: COUNTS });
    expect(backend.requests[0]?.normalize).toBeUndefined();
  });

  it("are listed: the model's own space, then those that were asked for", async () => {
    const { embed } = embedder();
    await embed.encodeText('a', { derivation: { dimensions: 4 } });
    await embed.encodeText('a', { derivation: { dimensions: 3, dtype: 'ubinary' } });
    await embed.encodeText('a', { derivation: { dimensions: 8 } });
    await expect(embed.encodeText('a', { derivation: { dimensions: 9 } })).rejects.toThrow();
    expect(await embed.describeSpaces()).toMatchObject([
      { parent: null, dimensions: 8, trained: true, dtype: 'float32' },
      { parent: space.fingerprint, dimensions: 4, trained: true, dtype: 'float32' },
      { parent: space.fingerprint, dimensions: 3, trained: false, dtype: 'ubinary' },
    ]);
  });
});

it('a graph without the vectors before the normalisation is asked once, and its backend goes on serving', async () => {
  let asked = 0;
  class Older extends FakeBackend {
    override run(...[batch, request]: Parameters<FakeBackend['run']>): ReturnType<FakeBackend['run']> {
      asked += 1;
      if (request.normalize === false) return Promise.reject(new UnnormalizedOutputError('models/older'));
      return super.run(batch, request);
    }
  }
  const backend = new FallbackBackend({
    space,
    variant: new FakeBackend().variant,
    steps: ['first', 'second'].map((name) => ({ name, open: async () => new Older({ name, space }) })),
  });
  await backend.start();
  const embed = new Embedder({ backend, tokenizer: inlineBatchTokenizer(), probes: [] });
  for (let i = 0; i < 5; i += 1)
    await expect(embed.encodeText('ab', { derivation: { normalize: false } })).rejects.toMatchObject({
      code: 'UNNORMALIZED_OUTPUT',
      message: expect.stringContaining('kimera models convert') as unknown,
      fields: { model: 'models/older' },
    });
  expect(asked).toBe(5);
  expect(backend.status).toMatchObject({ degraded: false, changes: 0 });
  expect((await embed.encodeText('ab')).dense).toEqual(normalize(COUNTS));
  await embed.close();
});
