/** Numbers of the rows: float32, or whole numbers whose scale is in `weights`. */
export type TableNumbers = Float32Array | Int8Array;

/**
 * One vector a token: row `mapping[id]` (or `id`) of `rows`, times `weights[id]` (or 1). V tokens, R rows, D numbers.
 */
export interface TokenTable {
  /** D. */
  readonly dimension: number;
  /** V. */
  readonly vocabularySize: number;
  /** [R, D] row-major. */
  readonly rows: TableNumbers;
  /** [V], row of each token; where absent R = V and row `id` is token `id`'s. */
  readonly mapping?: Int32Array;
  /** [V]; 1 where absent. */
  readonly weights?: Float32Array;
}

/** Adds the vectors of the tokens [T] to `sum` [D], in float64. The ids lie in the vocabulary. */
export function addTokens({ dimension, rows, mapping, weights }: TokenTable, ids: Int32Array, sum: Float64Array): void {
  const tokens = ids.length;
  const row = (t: number): number =>
    t >= tokens ? 0 : (mapping === undefined ? (ids[t] as number) : (mapping[ids[t] as number] as number)) * dimension;
  const weight = (t: number): number =>
    t >= tokens ? 0 : weights === undefined ? 1 : (weights[ids[t] as number] as number);
  // Four tokens in one pass over the sum take half the time; beyond the last one the weight is 0.
  for (let t = 0; t < tokens; t += 4) {
    const [a, b, c, e] = [row(t), row(t + 1), row(t + 2), row(t + 3)];
    const [wa, wb, wc, we] = [weight(t), weight(t + 1), weight(t + 2), weight(t + 3)];
    for (let d = 0; d < dimension; d++) {
      sum[d] =
        (sum[d] as number) +
        wa * (rows[a + d] as number) +
        wb * (rows[b + d] as number) +
        wc * (rows[c + d] as number) +
        we * (rows[e + d] as number);
    }
  }
}
