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
