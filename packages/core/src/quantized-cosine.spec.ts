import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deriveVector, type QuantizedVector } from './derive-vector.js';
import { quantizedCosine } from './quantized-cosine.js';
import { DERIVED_DTYPES, type DerivedDtype } from './space.js';
import { cosine, normalize } from './vector.js';

const PARENT = 'a'.repeat(64);
function quantized(vector: Float32Array, dtype: DerivedDtype): QuantizedVector {
  const derived = deriveVector(vector, { normalize: true, derived: { parent: PARENT, dtype } });
  if (!('quantized' in derived)) throw new Error('no bytes');
  return derived.quantized;
}

/** Vectors of length 1 of D numbers, D of whole and of broken bytes. */
const pairs = fc.integer({ min: 1, max: 40 }).chain((dimension) => {
  const one = fc
    .array(fc.integer({ min: -100, max: 100 }), { minLength: dimension, maxLength: dimension })
    .filter((numbers) => numbers.some((value) => value !== 0))
    .map((numbers) => normalize(numbers));
  return fc.record({ a: one, b: one });
});

describe('the cosine of quantized vectors', () => {
  it.each(['int8', 'uint8'] as const)('of %s is that of the vectors, but for the rounding', (dtype) => {
    fc.assert(
      fc.property(pairs, ({ a, b }) => {
        const given = quantizedCosine(quantized(a, dtype), quantized(b, dtype), { dtype, dimension: a.length });
        // Each number is wrong by half a step of 1/127 at most, so that a vector turns by √D/254 at most.
        expect(Math.abs(Math.acos(given) - Math.acos(cosine(a, b)))).toBeLessThan((2.5 * Math.sqrt(a.length)) / 254);
      }),
    );
  });

  it.each(['binary', 'ubinary'] as const)('of %s is that of the signs, whatever fills the last byte up', (dtype) => {
    fc.assert(
      fc.property(pairs, ({ a, b }) => {
        const signs = (vector: Float32Array): readonly number[] => Array.from(vector, (value) => (value > 0 ? 1 : -1));
        const given = quantizedCosine(quantized(a, dtype), quantized(b, dtype), { dtype, dimension: a.length });
        expect(given).toBeCloseTo(cosine(signs(a), signs(b)), 10);
      }),
    );
  });

  it.each(DERIVED_DTYPES)('of %s is that of vectors of one length alone', (dtype) => {
    const [short, long] = [16, 24].map((length) => quantized(new Float32Array(length).fill(0.1), dtype));
    expect(() => quantizedCosine(short as QuantizedVector, long as QuantizedVector, { dtype, dimension: 16 })).toThrow(
      expect.objectContaining({ code: 'DIMENSION_MISMATCH' }),
    );
  });
});
