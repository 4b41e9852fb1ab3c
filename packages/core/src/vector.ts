import { DimensionMismatchError } from './errors/dimension-mismatch-error.js';
import { ZeroVectorError } from './errors/zero-vector-error.js';

/** A vector of D numbers. */
export type Vector = Float32Array;
type Numbers = ArrayLike<number>;

/** Σ aᵢbᵢ, accumulated in float64. */
export function dot(a: Numbers, b: Numbers): number {
  if (a.length !== b.length) throw new DimensionMismatchError(a.length, b.length, 'dot product');
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** √Σ aᵢ², accumulated in float64. */
export function norm(a: Numbers): number {
  return Math.sqrt(dot(a, a));
}

/** Cosine of the angle in [-1, 1]. @throws ZeroVectorError where a vector has no direction. */
export function cosine(a: Numbers, b: Numbers): number {
  const product = dot(a, b);
  const length = norm(a) * norm(b);
  if (!(length > 0) || !Number.isFinite(length)) throw new ZeroVectorError('cosine');
  return Math.max(-1, Math.min(1, product / length));
}

/** max |aᵢ - bᵢ|: sees a forgotten normalisation, which cosine cannot. */
export function maxAbsDifference(a: Numbers, b: Numbers): number {
  if (a.length !== b.length) throw new DimensionMismatchError(a.length, b.length, 'largest difference');
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** The vector divided by its L2 norm, a new array. @throws ZeroVectorError. */
export function normalize(a: Numbers): Vector {
  const length = norm(a);
  if (!(length > 0) || !Number.isFinite(length)) throw new ZeroVectorError('normalize');
  return Float32Array.from({ length: a.length }, (_, i) => (a[i] as number) / length);
}
