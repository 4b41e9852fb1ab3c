import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromBfloat16, fromHalf, toHalf } from './half.js';

/** All bit patterns of a float16. An `expect` for each would take most of the time. */
const HALVES = Array.from({ length: 0x10000 }, (_, half) => half);

describe('float16', () => {
  it('keeps every float16 value', () => {
    const finite = HALVES.filter((half) => (half & 0x7c00) !== 0x7c00);
    expect(finite.filter((half) => toHalf(fromHalf(half)) !== half)).toEqual([]);
  });

  it('has the values of IEEE 754-2019, table 3.5', () => {
    const valueOf = (half: number): number => {
      const [sign, exponent, mantissa] = [(half & 0x8000) === 0 ? 1 : -1, (half >>> 10) & 0x1f, half & 0x3ff];
      if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
      return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
    };
    expect(HALVES.filter((half) => !Object.is(fromHalf(half), valueOf(half)))).toEqual([]);
    expect([0, 0x3c00, 0xc000, 0x7bff, 1].map(fromHalf)).toEqual([0, 1, -2, 65_504, 2 ** -24]);
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.double({ min: -60_000, max: 60_000, noNaN: true }), (value) => {
        const rounded = toHalf(value);
        const error = Math.abs(fromHalf(rounded) - Math.fround(value));
        for (const neighbour of [rounded - 1, rounded + 1]) {
          if ((neighbour & 0x7c00) !== 0x7c00 && neighbour >= 0)
            expect(error).toBeLessThanOrEqual(Math.abs(fromHalf(neighbour & 0xffff) - Math.fround(value)));
        }
      }),
    );
    expect(fromHalf(toHalf(1 + 2 ** -11))).toBe(1);
    expect(fromHalf(toHalf(1 + 3 * 2 ** -11))).toBe(1 + 2 ** -9);
    expect(fromHalf(toHalf(1e9))).toBe(Infinity);
    expect(fromHalf(toHalf(NaN))).toBeNaN();
  });
});

it('bfloat16 is the upper half of float32', () => {
  expect(fromBfloat16(0x3f80)).toBe(1);
  expect(fromBfloat16(0xc040)).toBe(-3);
});
