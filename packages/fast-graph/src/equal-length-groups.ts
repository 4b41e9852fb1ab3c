import { batchSize, type TokenBatch } from '@kimera/core';

/** Texts of one length, by their index in the batch. */
export interface EqualLengthGroup {
  readonly tokens: number;
  readonly texts: readonly number[];
}

/**
 * Texts of equal length together, so that attention needs no mask and nothing is padded; groups beyond `tokenBudget`
 * tokens are cut (a single text may exceed it). Longest first, so that the last group to finish is a short one.
 */
export function equalLengthGroups(batch: TokenBatch, tokenBudget: number): readonly EqualLengthGroup[] {
  const byLength = new Map<number, number[]>();
  for (let i = 0; i < batchSize(batch); i++) {
    const tokens = (batch.offsets[i + 1] as number) - (batch.offsets[i] as number);
    const group = byLength.get(tokens);
    if (group === undefined) byLength.set(tokens, [i]);
    else group.push(i);
  }
  const groups: EqualLengthGroup[] = [];
  for (const [tokens, texts] of [...byLength].sort(([a], [b]) => b - a)) {
    const size = Math.max(1, Math.floor(tokenBudget / tokens));
    for (let from = 0; from < texts.length; from += size)
      groups.push({ tokens, texts: texts.slice(from, from + size) });
  }
  return groups;
}
