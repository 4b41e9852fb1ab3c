import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  colbertScore,
  DimensionMismatchError,
  EmptyMultiVectorError,
  HybridWeightsError,
  hybridScore,
  lexicalScore,
  lexicalWeights,
  spaceFingerprint,
  type SpaceIdentity,
} from './index.js';

describe('lexical weights', () => {
  it('keep the largest weight of an id, drop ignored ids and what is not above 0', () => {
    expect([...lexicalWeights([0, 7, 8, 7, 9, 2], [5, 0.25, 0, 0.5, -1, 5], [0, 1, 2, 3])]).toEqual([[7, 0.5]]);
    expect(lexicalWeights([], [], []).size).toBe(0);
  });
  it('score by the ids that both have, whichever comes first', () => {
    const weights = fc
      .dictionary(fc.nat(20).map(String), fc.double({ min: 0.01, max: 2, noNaN: true }))
      .map((object) => new Map(Object.entries(object).map(([id, weight]) => [Number(id), weight])));
    fc.assert(
      fc.property(weights, weights, (a, b) => {
        const expected = [...a].reduce((sum, [id, weight]) => sum + weight * (b.get(id) ?? 0), 0);
        expect(lexicalScore(a, b)).toBeCloseTo(expected, 9);
        expect(lexicalScore(b, a)).toBeCloseTo(expected, 9);
      }),
    );
  });
});

describe('ColBERT score', () => {
  it('is the mean over the query of the best in the passage, negative where all are (bge-m3-tiny/expected.json)', () => {
    expect(colbertScore(Float32Array.of(1, 0, 0, 1), Float32Array.of(-1, 0, -0.6, -0.8), 2)).toBeCloseTo(-0.3, 6);
    expect(colbertScore(Float32Array.of(1, 0), Float32Array.of(0, 1, 1, 0), 2)).toBe(1);
  });
  it('refuses a side without tokens and a wrong width', () => {
    expect(() => colbertScore(new Float32Array(), Float32Array.of(1, 0), 2)).toThrow(EmptyMultiVectorError);
    expect(() => colbertScore(Float32Array.of(1, 0), new Float32Array(), 2)).toThrow(EmptyMultiVectorError);
    expect(() => colbertScore(Float32Array.of(1, 0), Float32Array.of(1, 0, 0), 2)).toThrow(DimensionMismatchError);
  });
});

describe('hybrid score', () => {
  it('divides by the weights of the heads that take part', () => {
    expect(
      hybridScore({ dense: 0.8, sparse: 0.2, colbert: 0.5 }, { dense: 0.4, sparse: 0.2, colbert: 0.4 }),
    ).toBeCloseTo(0.56, 12);
    expect(hybridScore({ dense: 0.8, sparse: 0.2 }, { dense: 1, sparse: 1, colbert: 5 })).toBeCloseTo(0.5, 12);
  });
  it('refuses weights that add up to nothing', () => {
    expect(() => hybridScore({ dense: 1 }, { sparse: 1 })).toThrow(HybridWeightsError);
    expect(() => hybridScore({ dense: 1 }, { dense: 0 })).toThrow(HybridWeightsError);
  });
});

it('prompt pooling and a default role are part of the fingerprint only where a space has them', async () => {
  const identity: SpaceIdentity = {
    weights: 'a',
    tokenizer: 'b',
    maxTokens: 1,
    pooling: ['mean'],
    normalize: true,
    prompts: { query: '', document: '' },
    dimension: 1,
  };
  const plain = await spaceFingerprint(identity);
  expect(await spaceFingerprint({ ...identity, promptPooling: undefined, defaultRole: undefined })).toBe(plain);
  const others = [
    await spaceFingerprint({ ...identity, promptPooling: 'excluded' }),
    await spaceFingerprint({ ...identity, defaultRole: 'query' }),
    await spaceFingerprint({ ...identity, defaultRole: 'document' }),
  ];
  expect(new Set([plain, ...others]).size).toBe(4);
});
