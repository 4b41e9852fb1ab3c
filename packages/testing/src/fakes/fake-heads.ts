import { normalize, type EmbeddingSpace, type Vector } from '@kimera/core';
import { FAKE_START } from './fake-tokenizer.js';

/**
 * [D]: number k says how many tokens have (id + shift) mod D = k; divided by its length where the space is normalised.
 */
export function fakeDense(
  ids: ArrayLike<number>,
  { dimension, normalize: normalized }: EmbeddingSpace,
  shift: number,
): Vector {
  const counts = new Float32Array(dimension);
  for (const id of Array.from(ids)) counts[(id + shift) % dimension] = (counts[(id + shift) % dimension] as number) + 1;
  return normalized ? normalize(counts) : counts;
}

/** Token id → how often it stands in the text, the special token left out. */
export function fakeSparse(ids: ArrayLike<number>): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  for (const id of Array.from(ids)) if (id !== FAKE_START) weights.set(id, (weights.get(id) ?? 0) + 1);
  return weights;
}

/** [T - 1, D]: 1 at (id + shift) mod D, 0 elsewhere; the special token has no vector. */
export function fakeColbert(ids: ArrayLike<number>, { dimension }: EmbeddingSpace, shift: number): readonly Vector[] {
  return Array.from(ids)
    .filter((id) => id !== FAKE_START)
    .map((id) => Float32Array.from({ length: dimension }, (_, k) => (k === (id + shift) % dimension ? 1 : 0)));
}
