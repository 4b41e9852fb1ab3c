import { textIds, type TokenBatch } from '@kimera/core';

/** Texts of one length, by their index in the batch. */
export interface EqualLengthGroup {
  readonly tokens: number;
  readonly texts: readonly number[];
}

/**
 * Texts of equal length together, so that attention needs no mask and nothing is padded; groups beyond `tokenBudget`
 * tokens are cut (a single text may exceed it). Longest first, so that the last group to finish is a short one.
 * @param indexes of the texts.
 */
export function equalLengthGroups(
  batch: TokenBatch,
  tokenBudget: number,
  indexes: readonly number[],
): readonly EqualLengthGroup[] {
  const byLength = new Map<number, number[]>();
  for (const text of indexes) {
    const tokens = textIds(batch, text).length;
    const group = byLength.get(tokens);
    if (group === undefined) byLength.set(tokens, [text]);
    else group.push(text);
  }
  const groups: EqualLengthGroup[] = [];
  for (const [tokens, texts] of [...byLength].sort(([a], [b]) => b - a)) {
    const size = Math.max(1, Math.floor(tokenBudget / tokens));
    for (let from = 0; from < texts.length; from += size)
      groups.push({ tokens, texts: texts.slice(from, from + size) });
  }
  return groups;
}

/** Groups of so many tokens together at most, in their order; a larger one alone. */
export function togetherUpTo(
  tokens: number,
  groups: readonly EqualLengthGroup[],
): readonly (readonly EqualLengthGroup[])[] {
  const together: EqualLengthGroup[][] = [];
  let left = 0;
  for (const group of groups) {
    const size = group.tokens * group.texts.length;
    if (together.length === 0 || size > left) {
      together.push([]);
      left = tokens;
    }
    together.at(-1)?.push(group);
    left -= size;
  }
  return together;
}
