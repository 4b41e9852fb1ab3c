import { describe, expect, it } from '@jest/globals';
import { encodeVector } from '../vector-codec.js';
import { decodeOldVector } from './old-vector-codec.js';
import type { VectorStorage } from './table-description.js';

const NUMBERS = Float32Array.from([0.1, -2, 3.4e-38]);
const JSON_TEXT = JSON.stringify([...NUMBERS]);
const LITTLE_ENDIAN = Buffer.from(NUMBERS.buffer);

describe('a stored value becomes the same float32', () => {
  it.each<[VectorStorage, Buffer | string]>([
    ['vector', encodeVector(NUMBERS)],
    ['halfvec', encodeVector(NUMBERS)],
    ['real[]', JSON_TEXT],
    ['double precision[]', JSON_TEXT],
    ['jsonb', JSON_TEXT],
    ['json', ` ${JSON_TEXT} `],
    ['bytea', LITTLE_ENDIAN],
  ])('%s', (storage, value) => {
    expect(decodeOldVector(storage, value, 3)).toEqual({ dense: NUMBERS, problem: null });
    expect(decodeOldVector(storage, value, null)).toEqual({ dense: NUMBERS, problem: null });
  });
});

describe('a value that is no vector says why', () => {
  it.each<[string, VectorStorage, Buffer | string, string]>([
    ['another dimension', 'jsonb', '[1,2]', '2 numbers instead of 3'],
    ['an object', 'jsonb', '{"a":1}', 'not an array'],
    ['a string among the numbers', 'json', '[1,"NaN",2]', 'not an array of numbers'],
    ['a NULL among the numbers', 'real[]', '[1,null,2]', 'not an array of numbers'],
    ['an array of arrays', 'double precision[]', '[[1,2,3]]', 'not an array of numbers'],
    ['beyond float32', 'double precision[]', '[1,2,1e300]', 'a number is not finite'],
    ['not finite', 'bytea', Buffer.from(Float32Array.from([1, Number.NaN, 2]).buffer), 'a number is not finite'],
    ['half a number', 'bytea', LITTLE_ENDIAN.subarray(0, 7), '7 bytes are no whole number of float32'],
    ['without direction', 'vector', encodeVector(new Float32Array(3)), 'every number is zero'],
  ])('%s', (_, storage, value, problem) => {
    expect(decodeOldVector(storage, value, 3)).toEqual({ dense: null, problem });
  });
});
