import { ZeroVectorError } from './errors.js';
import type { DerivedDtype, DerivedFrom, EmbeddingSpace } from './space.js';
import { norm, type Vector } from './vector.js';

/** A dense vector in 8 bits a number, or in one: [D], or [⌈D / 8⌉] bytes of 8 numbers each. */
export type QuantizedVector = Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** A vector of a derived space: `quantized` where the space has a dtype, `dense` elsewhere. */
export type DerivedVector = { readonly dense: Vector } | { readonly quantized: QuantizedVector };

/**
 * A vector of the parent becomes one of the derived space. @param vector [D] of the parent; where the space is derived
 * with `normalize: false`, the model's vector before its normalisation. @param space derived, or a model's own, which
 * leaves the vector as it is. @throws ZeroVectorError where the first n numbers are all zero and are to be normalised.
 */
export function deriveVector(
  vector: Vector,
  { derived, normalize }: Pick<EmbeddingSpace, 'derived' | 'normalize'>,
): DerivedVector {
  const dense = slice(vector, derived?.dimensions, normalize);
  return derived?.dtype === undefined ? { dense } : { quantized: quantize(dense, derived.dtype) };
}

/** The first n numbers; divided by the root of the sum of their squares, which is added up in float64. */
function slice(vector: Vector, dimensions: DerivedFrom['dimensions'], normalized: boolean): Vector {
  if (dimensions === undefined) return vector;
  const first = vector.slice(0, dimensions);
  if (!normalized) return first;
  const length = norm(first);
  if (!(length > 0 && length < Infinity)) throw new ZeroVectorError(`the first ${dimensions} numbers`);
  return first.map((value) => value / length);
}

/** A number 1 becomes this. */
const SCALE = 127;

/** docs/fingerprint.md, "Derived spaces". */
function quantize(dense: Vector, dtype: DerivedDtype): QuantizedVector {
  switch (dtype) {
    case 'int8':
      return Int8Array.from(dense, scaled);
    case 'uint8':
      return Uint8Array.from(dense, (value) => scaled(value) + 128);
    case 'ubinary':
      return packed(dense);
    case 'binary':
      return Int8Array.from(packed(dense), (byte) => byte - 128);
  }
}

/** 127·v, which float64 holds exactly, to the nearest whole number, halves away from 0; from -127 to 127. */
function scaled(value: number): number {
  return Math.sign(value) * Math.min(SCALE, Math.round(Math.abs(value) * SCALE));
}

/** A bit a number, 1 where it is above 0; the first number in the highest bit, the last byte filled up with 0. */
function packed(dense: Vector): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(dense.length / 8));
  dense.forEach((value, i) => {
    if (value > 0) bytes[i >> 3] = (bytes[i >> 3] as number) | (0x80 >> (i & 7));
  });
  return bytes;
}
