/**
 * Length of a special token's vector as a share of the shortest of the words': a text without words has a direction,
 * and one with words does not change within float32. model2vec puts no special tokens around a text, and its vectors of
 * the same table are the same.
 */
const SPECIAL_SHARE = 1e-6;

/**
 * Sets the rows [V, D] of what is no word to their direction in `directions` [V, D] (the first axis where that is
 * zero), in a tiny length.
 */
export function setSpecialRows(
  rows: Float32Array,
  directions: Float32Array,
  dimension: number,
  isWord: (token: number) => boolean,
): void {
  const lengthOf = (of: Float32Array, token: number): number =>
    Math.hypot(...of.subarray(token * dimension, (token + 1) * dimension));
  const tokens = Array.from({ length: rows.length / dimension }, (_, token) => token);
  const shortest = tokens
    .filter(isWord)
    .reduce((least, token) => Math.min(least, lengthOf(rows, token) || Infinity), Infinity);
  for (const token of tokens) {
    if (isWord(token)) continue;
    const length = lengthOf(directions, token);
    for (let d = 0; d < dimension; d++) {
      const share = length > 0 ? (directions[token * dimension + d] as number) / length : d === 0 ? 1 : 0;
      rows[token * dimension + d] = share * shortest * SPECIAL_SHARE;
    }
  }
}
