import { InvalidScoreError } from '../errors.js';
import type { Ranking } from './judgements.js';

/**
 * trec_eval's order, whatever the order of the input: score as float32 descending, ties by the UTF-8 bytes of the id
 * descending (trec_eval 9.0, form_res_rels.c: `sim` is a float, ties compare `docno`).
 * @throws InvalidScoreError.
 */
export function rankByScore(scores: Readonly<Record<string, number>>): Ranking {
  const encoder = new TextEncoder();
  const items = Object.entries(scores).map(([id, score], position) => {
    if (!Number.isFinite(score)) throw new InvalidScoreError(position, score, `score of "${id}"`);
    return { id, score: Math.fround(score), bytes: encoder.encode(id) };
  });
  return items.sort((a, b) => b.score - a.score || compareBytes(b.bytes, a.bytes)).map(({ id }) => id);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
