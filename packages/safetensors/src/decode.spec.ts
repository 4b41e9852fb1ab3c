import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeFloats, decodeNumbers, FLOAT_TYPES } from './decode.js';
import { ELEMENT_BYTES, isElementType } from './element-type.js';
import { toHalf } from './half.js';

const bytesOf = (
  values: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> => new Uint8Array(values.buffer);
const float32s = fc.float32Array({ maxLength: 9 }).map((values) => Float32Array.from(values));

/** The same bytes at an address that is not a multiple of 4. */
function unaligned(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const moved = new Uint8Array(bytes.length + 1).subarray(1);
  moved.set(bytes);
  return moved;
}

describe('decodeFloats', () => {
  it('F32 is what was written, a view where it is aligned', () => {
    fc.assert(
      fc.property(float32s, (values) => {
        const bytes = bytesOf(values);
        expect(decodeFloats('F32', bytes)).toEqual(values);
        expect(decodeFloats('F32', bytes)?.buffer).toBe(bytes.buffer);
        expect(decodeFloats('F32', unaligned(bytes))).toEqual(values);
      }),
    );
  });

  it('F64 is rounded to float32, BF16 is the upper half of float32, F16 keeps what a float16 holds', () => {
    fc.assert(
      fc.property(float32s, (values) => {
        expect(decodeFloats('F64', unaligned(bytesOf(Float64Array.from(values))))).toEqual(values);
        const upper = Uint32Array.from(new Uint32Array(values.buffer), (bits) => bits & 0xffff0000);
        expect(decodeFloats('BF16', unaligned(bytesOf(Uint16Array.from(upper, (bits) => bits >>> 16))))).toEqual(
          new Float32Array(upper.buffer),
        );
        const halves = values.map((value) =>
          Math.fround(Math.trunc(Math.max(-2048, Math.min(2048, Number.isNaN(value) ? 0 : value)))),
        );
        expect(decodeFloats('F16', unaligned(bytesOf(Uint16Array.from(halves, toHalf))))).toEqual(halves);
      }),
    );
    expect(decodeFloats('F64', bytesOf(Float64Array.of(0.1)))).toEqual(Float32Array.of(0.1));
  });

  it('gives nothing for any other type', () => {
    expect(FLOAT_TYPES).toEqual(['F32', 'F64', 'F16', 'BF16']);
    for (const type of Object.keys(ELEMENT_BYTES))
      if (isElementType(type) && !FLOAT_TYPES.includes(type))
        expect(decodeFloats(type, new Uint8Array(8))).toBeUndefined();
  });
});

describe('decodeNumbers', () => {
  it('keeps float64 and signed integers as they are', () => {
    expect(decodeNumbers('F64', bytesOf(Float64Array.of(0.1)))).toEqual(Float64Array.of(0.1));
    expect(decodeNumbers('I64', unaligned(bytesOf(BigInt64Array.of(-1n, 2n ** 53n))))).toEqual(
      Float64Array.of(-1, 2 ** 53),
    );
    expect(decodeNumbers('I32', Uint8Array.of(254, 255, 255, 255))).toEqual(Float64Array.of(-2));
    expect(decodeNumbers('I8', Uint8Array.of(1, 253))).toEqual(Float64Array.of(1, -3));
    expect(decodeNumbers('BOOL', Uint8Array.of(1))).toBeUndefined();
  });
});

it('an object has no element type among its inherited names', () => {
  expect(['F32', 'toString', '__proto__', 'f32'].map(isElementType)).toEqual([true, false, false, false]);
});
