import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeVector, encodeVector } from './vector-codec.js';

describe('the binary form of a vector', () => {
  it('is that of pgvector: dimension, zero, big-endian float32', () => {
    expect(encodeVector(Float32Array.from([1, -2])).toString('hex')).toBe('000200003f800000c0000000');
  });

  it('comes back bit by bit', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 2_000 }), (values) => {
        const vector = Float32Array.from(values);
        expect(new Uint32Array(decodeVector(encodeVector(vector)).buffer)).toEqual(new Uint32Array(vector.buffer));
      }),
    );
  });
});
