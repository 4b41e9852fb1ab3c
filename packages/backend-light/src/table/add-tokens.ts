import { HALF } from '../safetensors/half.js';
import type { TokenTable } from './token-table.js';

/** Adds the vectors of the tokens [T] to `sum` [D], in float64 and in their order. The ids lie in the vocabulary. */
export function addTokens({ dimension, rows, mapping, weights }: TokenTable, ids: ArrayLike<number>, sum: Float64Array): void {
  const half = rows instanceof Uint16Array;
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number;
    const start = (mapping === undefined ? id : (mapping[id] as number)) * dimension;
    const weight = weights === undefined ? 1 : (weights[id] as number);
    if (half) for (let d = 0; d < dimension; d++) sum[d] = (sum[d] as number) + weight * (HALF[rows[start + d] as number] as number);
    else for (let d = 0; d < dimension; d++) sum[d] = (sum[d] as number) + weight * (rows[start + d] as number);
  }
}
