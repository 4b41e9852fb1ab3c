import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { varint } from '../onnx/protobuf-writer.js';
import { erf } from '../reference/float64.js';
import { fromBfloat16, fromHalf, toHalf } from './half.js';

describe('float16', () => {
  it('keeps every float16 value', () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) === 0x7c00) continue;
      expect(toHalf(fromHalf(half))).toBe(half);
    }
  });
  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.double({ min: -60_000, max: 60_000, noNaN: true }), (value) => {
        const rounded = toHalf(value);
        const error = Math.abs(fromHalf(rounded) - Math.fround(value));
        for (const neighbour of [rounded - 1, rounded + 1]) {
          if ((neighbour & 0x7c00) !== 0x7c00 && neighbour >= 0) expect(error).toBeLessThanOrEqual(Math.abs(fromHalf(neighbour & 0xffff) - Math.fround(value)));
        }
      }),
    );
    expect(fromHalf(toHalf(1 + 2 ** -11))).toBe(1);
    expect(fromHalf(toHalf(1 + 3 * 2 ** -11))).toBe(1 + 2 ** -9);
    expect(fromHalf(toHalf(1e9))).toBe(Infinity);
  });
});

it('bfloat16 is the upper half of float32', () => {
  expect(fromBfloat16(0x3f80)).toBe(1);
  expect(fromBfloat16(0xc040)).toBe(-3);
});

it('varint: values of the Protocol Buffers documentation', () => {
  expect([...varint(150)]).toEqual([0x96, 0x01]);
  expect([...varint(-2)]).toEqual([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
});

it('erf: values of Abramowitz and Stegun, table 7.1', () => {
  for (const [x, value] of [[0, 0], [0.5, 0.5204998778], [1, 0.8427007929], [2, 0.9953222650], [3, 0.9999779095]] as const) expect(erf(x)).toBeCloseTo(value, 9);
  expect(erf(-1)).toBe(-erf(1));
});
