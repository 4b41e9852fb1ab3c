import { DimensionMismatchError, ZeroVectorError } from './errors.js';

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

/**
 * Sums of squares outside of this range may have lost numbers to underflow or overflow of float64. Those of float32
 * numbers are always inside, from 2^-298 to 2^256 each, so that vectors take the short way.
 */
const ORDINARY_SQUARES = { least: 2 ** -500, most: 2 ** 500 };

function isOrdinary(square: number): boolean {
  return square >= ORDINARY_SQUARES.least && square <= ORDINARY_SQUARES.most;
}

/** √Σ aᵢ², accumulated in float64; exact for tiny and huge numbers too, whose squares float64 cannot hold. */
export function norm(a: Numbers): number {
  const square = dot(a, a);
  if (isOrdinary(square) || Number.isNaN(square)) return Math.sqrt(square);
  const { scaled, scale } = scaleToOne(a);
  return Math.sqrt(dot(scaled, scaled)) * scale;
}

/**
 * The numbers divided by a power of two near the largest magnitude among them, which changes no digit, so that sums of
 * their squares neither underflow nor overflow. `scale` is that power; 1 where the largest is 0, infinite or no number.
 */
export function scaleToOne(a: Numbers): { readonly scaled: Float64Array; readonly scale: number } {
  const largest = largestMagnitude(a);
  // log2 of the largest float64 rounds up to 1024, whose power is infinite.
  const scale = largest > 0 && largest < Infinity ? 2 ** Math.min(1023, Math.floor(Math.log2(largest))) : 1;
  return { scaled: Float64Array.from(a, (value) => value / scale), scale };
}

/** Cosine of the angle in [-1, 1]. @throws ZeroVectorError where a vector has no direction. */
export function cosine(a: Numbers, b: Numbers): number {
  const product = dot(a, b);
  const [squareA, squareB] = [dot(a, a), dot(b, b)];
  if (isOrdinary(squareA) && isOrdinary(squareB)) {
    return Math.max(-1, Math.min(1, product / (Math.sqrt(squareA) * Math.sqrt(squareB))));
  }
  if (!hasDirection(a) || !hasDirection(b)) throw new ZeroVectorError('cosine');
  return cosine(scaleToOne(a).scaled, scaleToOne(b).scaled);
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
  const square = dot(a, a);
  if (isOrdinary(square)) {
    const length = Math.sqrt(square);
    return Float32Array.from({ length: a.length }, (_, i) => (a[i] as number) / length);
  }
  if (!hasDirection(a)) throw new ZeroVectorError('normalize');
  return normalize(scaleToOne(a).scaled);
}

/** Whether there is a number other than 0, and all are finite. */
export function hasDirection(a: Numbers): boolean {
  const largest = largestMagnitude(a);
  return largest > 0 && largest < Infinity;
}

/** NaN where a number is. */
function largestMagnitude(a: Numbers): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] as number));
  return largest;
}
