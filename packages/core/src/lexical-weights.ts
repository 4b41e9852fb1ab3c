/**
 * Token weights of one text → token id → weight, the sparse vector of bge-m3: the largest weight of each id, without
 * the ids in `ignored`
 * (special tokens, wherever they stand) and without weights that are not above 0 (FlagEmbedding 1.4.2,
 * `_process_token_weights`).
 * @param ids [T]. @param weights [T].
 */
export function lexicalWeights(
  ids: ArrayLike<number>,
  weights: ArrayLike<number>,
  ignored: readonly number[],
): ReadonlyMap<number, number> {
  const largest = new Map<number, number>();
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number;
    const weight = weights[t] as number;
    if (weight > 0 && !ignored.includes(id) && weight > (largest.get(id) ?? 0)) largest.set(id, weight);
  }
  return largest;
}
