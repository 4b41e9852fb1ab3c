import type { FileHandle } from 'node:fs/promises';
import { elementCount, toHalf } from '@kimera/safetensors';

/** A tensor of random numbers, normally distributed around `mean`. */
export interface SyntheticTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: 'F32' | 'F16';
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Writes random tensors into an open file, a few MB at a time. @param path for messages. @param onBytes how many more
 * are written.
 */
export type WriteTensors = (
  file: FileHandle,
  path: string,
  tensors: readonly SyntheticTensor[],
  seed: number,
  onBytes: (bytes: number) => void,
) => Promise<void>;

const CHUNK_ELEMENTS = 1 << 20;
/**
 * Quantiles of the normal distribution at the middles of this many equal parts: two 16-bit draws a 32-bit random
 * number.
 */
const QUANTILES = 1 << 16;

/** Its little-endian bytes, in order, a few MB at a time; equal seeds give equal bytes on every machine. */
export function* syntheticBytes(
  { name, shape, type, mean, deviation }: SyntheticTensor,
  seed: number,
): Generator<Uint8Array> {
  const total = elementCount(shape);
  const table = quantiles().map((value) => Math.fround(mean + deviation * value));
  let state = seedOf(name, seed);
  for (let from = 0; from < total; from += CHUNK_ELEMENTS) {
    const values = new Float32Array(Math.min(CHUNK_ELEMENTS, total - from));
    for (let i = 0; i < values.length; i += 2) {
      // Marsaglia's xorshift32 (2003), triple 13, 17, 5.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      values[i] = table[state & 0xffff] as number;
      values[i + 1] = table[state >>> 16] as number;
    }
    yield type === 'F32' ? new Uint8Array(values.buffer) : new Uint8Array(Uint16Array.from(values, toHalf).buffer);
  }
}

/** FNV-1a over the name, mixed with the seed; never 0, where xorshift would stay. */
function seedOf(name: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const unit of name) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193);
  return hash === 0 ? 1 : hash;
}

let cached: Float64Array | undefined;
function quantiles(): Float64Array {
  cached ??= Float64Array.from({ length: QUANTILES }, (_, i) => normalQuantile((i + 0.5) / QUANTILES));
  return cached;
}

/**
 * By bisection of the logistic approximation Φ(x) ≈ 1 / (1 + e^(-1.5976x - 0.070566x³)) (Page 1977): the shape is what
 * counts here.
 */
function normalQuantile(p: number): number {
  const logit = Math.log(p / (1 - p));
  let [low, high] = [-8, 8];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (1.5976 * middle + 0.070566 * middle ** 3 < logit) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
