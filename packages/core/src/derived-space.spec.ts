import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  cosine,
  type Derivation,
  DerivedDimensionsError,
  DerivedDtypeError,
  DerivedParentError,
  deriveSpace,
  deriveVector,
  describeSpace,
  type EmbeddingSpace,
  norm,
  normalize,
  spaceFingerprint,
  ZeroVectorError,
} from './index.js';

const identity = {
  weights: 'a'.repeat(64),
  tokenizer: 'b'.repeat(64),
  maxTokens: 256,
  pooling: ['mean'] as const,
  normalize: true,
  prompts: { query: 'query: ', document: '' },
  dimension: 384,
};
const PARENT = '51c53d8e305cca0959ce8b43040c047780872b349dd153b87622b581ab16186f';
const parent: EmbeddingSpace = { ...identity, fingerprint: PARENT, modelId: 'example', heads: ['dense'] };
const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

describe('a derived space', () => {
  it.each<readonly [Derivation, string]>([
    [{ dimensions: 64 }, `{"dimensions":64,"parent":"${PARENT}"}`],
    [{ normalize: false }, `{"normalize":false,"parent":"${PARENT}"}`],
    [{ dtype: 'int8' }, `{"dtype":"int8","parent":"${PARENT}"}`],
    [{ dtype: 'ubinary', dimensions: 64 }, `{"dimensions":64,"dtype":"ubinary","parent":"${PARENT}"}`],
    [
      { dtype: 'binary', dimensions: 1, normalize: false },
      `{"dimensions":1,"dtype":"binary","normalize":false,"parent":"${PARENT}"}`,
    ],
  ])('by %j has the SHA-256 over the documented bytes', async (derivation, bytes) => {
    expect((await deriveSpace(parent, derivation)).fingerprint).toBe(sha256(bytes));
  });

  it('by 64 dimensions is the worked example of docs/fingerprint.md', async () => {
    expect(await spaceFingerprint(identity)).toBe(PARENT);
    expect((await deriveSpace(parent, { dimensions: 64 })).fingerprint).toBe(
      '5e7a78a50b6f8dd835f409e41c888563e2db7186a4d9c20974bbbab6452f8c11',
    );
  });

  it('is the parent where nothing changes', async () => {
    expect(await deriveSpace(parent, {})).toBe(parent);
    expect(await deriveSpace(parent, { dimensions: 384, dtype: undefined })).toBe(parent);
    const long = { ...parent, normalize: false };
    expect(await deriveSpace(long, { normalize: false, dimensions: 384 })).toBe(long);
  });

  it('says its numbers, its norm and its parent, and whether the model was trained for it', async () => {
    const trained = { ...parent, trainedDimensions: [256, 128], heads: ['dense', 'colbert'] as const };
    expect(describeSpace(await deriveSpace(trained, { dimensions: 128 }))).toMatchObject({
      parent: PARENT,
      dimensions: 128,
      normalize: true,
      dtype: 'float32',
      trained: true,
      heads: ['dense', 'colbert'],
      colbertDimensions: 384,
    });
    expect(describeSpace(await deriveSpace(trained, { dimensions: 64 }))).toMatchObject({ trained: false });
    const bits = await deriveSpace(trained, { dimensions: 64, normalize: false, dtype: 'binary' });
    expect(bits.derived).toEqual({
      parent: PARENT,
      normalize: false,
      dimensions: 64,
      dtype: 'binary',
      trained: false,
    });
    expect(describeSpace(bits)).toMatchObject({ dtype: 'binary', normalize: false, heads: ['dense'] });
    expect(describeSpace(parent)).toEqual({
      fingerprint: PARENT,
      modelId: 'example',
      parent: null,
      dimensions: 384,
      normalize: true,
      dtype: 'float32',
      trained: true,
      maxTokens: 256,
      heads: ['dense'],
      colbertDimensions: null,
    });
  });

  it.each([0, -1, 385, 1.5, NaN, Infinity])('of %d dimensions is refused, with both numbers', async (dimensions) => {
    await expect(deriveSpace(parent, { dimensions })).rejects.toThrow(DerivedDimensionsError);
    await expect(deriveSpace(parent, { dimensions })).rejects.toMatchObject({
      code: 'DERIVED_DIMENSIONS',
      message: expect.stringMatching(new RegExp(`${dimensions}.*384`)) as unknown,
      fields: { dimensions, limit: 384 },
    });
  });

  it('in 8 bits is of normalised vectors, and is not derived twice', async () => {
    for (const dtype of ['int8', 'uint8'] as const) {
      await expect(deriveSpace(parent, { normalize: false, dtype })).rejects.toThrow(DerivedDtypeError);
      await expect(deriveSpace({ ...parent, normalize: false }, { dtype })).rejects.toMatchObject({
        code: 'DERIVED_DTYPE',
        fields: { dtype },
      });
    }
    const half = await deriveSpace(parent, { dimensions: 192 });
    expect(await deriveSpace(half, { dimensions: 192 })).toBe(half);
    await expect(deriveSpace(half, { dtype: 'int8' })).rejects.toThrow(DerivedParentError);
    await expect(deriveSpace(half, { dimensions: 96 })).rejects.toMatchObject({ code: 'DERIVED_PARENT' });
  });
});

describe('a derived vector', () => {
  const derived = async (vector: readonly number[], derivation: Derivation, of: EmbeddingSpace = parent) =>
    deriveVector(Float32Array.from(vector), await deriveSpace({ ...of, dimension: vector.length }, derivation));

  it('of fewer numbers is the beginning, normalised again where the parent is', async () => {
    expect(await derived([0.6, 0.8, 0], { dimensions: 2 })).toEqual({ dense: Float32Array.of(0.6, 0.8) });
    expect(await derived([0.3, 0.4, 0.8], { dimensions: 2 })).toEqual({ dense: Float32Array.of(0.6, 0.8) });
    expect(await derived([3, 4, 5], { dimensions: 2, normalize: false })).toEqual({ dense: Float32Array.of(3, 4) });
    expect(await derived([3, 4, 5], { dimensions: 2 }, { ...parent, normalize: false })).toEqual({
      dense: Float32Array.of(3, 4),
    });
    await expect(derived([0, 0, 1], { dimensions: 2 })).rejects.toThrow(ZeroVectorError);
  });

  it('of fewer numbers has length 1 and its direction, whatever it is', async () => {
    const some = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(some, fc.nat(), async (numbers, nat) => {
        const dimensions = 1 + (nat % numbers.length);
        fc.pre(norm(numbers.slice(0, dimensions)) > 1e-30);
        const vector = normalize(numbers);
        fc.pre(norm(vector.slice(0, dimensions)) > 1e-30);
        const cut = await derived([...vector], { dimensions });
        const { dense } = cut as { dense: Float32Array };
        expect(dense).toHaveLength(dimensions);
        expect(Math.abs(norm(dense) - 1)).toBeLessThan(1e-6);
        expect(cosine(dense, vector.slice(0, dimensions))).toBeGreaterThan(1 - 1e-9);
      }),
    );
  });

  it('in 8 bits is 127 times the number, halves away from 0, never beyond 127', async () => {
    // 63.5 becomes 64 and -63.5 -64: the only halves there are. 0.004 is 0.508, and 0.0039 is 0.495.
    const numbers = [1, -1, 0, -0, 0.5, -0.5, 0.004, -0.0039, 1.0000001, -1.0000001, 0.25, 2 ** -140];
    expect(await derived(numbers, { dtype: 'int8' })).toEqual({
      quantized: Int8Array.of(127, -127, 0, 0, 64, -64, 1, 0, 127, -127, 32, 0),
    });
    expect(await derived(numbers, { dtype: 'uint8' })).toEqual({
      quantized: Uint8Array.of(255, 1, 128, 128, 192, 64, 129, 128, 255, 1, 160, 128),
    });
  });

  it('in one bit has 1 above 0, the first number in the highest bit; binary is ubinary - 128', async () => {
    const numbers = [0.1, -0.1, 0, 0.2, 0.3, -0.4, -0, 1e-40, 0.5];
    expect(await derived(numbers, { dtype: 'ubinary' })).toEqual({ quantized: Uint8Array.of(0b10011001, 0b10000000) });
    expect(await derived(numbers, { dtype: 'binary' })).toEqual({ quantized: Int8Array.of(0b10011001 - 128, 0) });
    // numpy.packbits of 16 numbers, as sentence-transformers' quantize_embeddings uses it.
    const sixteen = Array.from({ length: 16 }, (_, i) => (i % 3 === 0 ? 1 : -1));
    expect(await derived(sixteen, { dtype: 'ubinary' })).toEqual({ quantized: Uint8Array.of(146, 73) });
  });

  it('takes the rules in their order: the beginning, its norm, then the bits', async () => {
    // [0.03, 0.04] is [0.6, 0.8] once normalised: 76.2 and 101.6.
    expect(await derived([0.03, 0.04, 0.99], { dimensions: 2, dtype: 'int8' })).toEqual({
      quantized: Int8Array.of(76, 102),
    });
  });

  it('of the parent itself is the vector', async () => {
    expect(await derived([0.6, 0.8], {})).toEqual({ dense: Float32Array.of(0.6, 0.8) });
  });
});
