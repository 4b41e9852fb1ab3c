import type { TokenTable } from '../table/token-table.js';

/** Vectors [V, D] as whole numbers from -127 to 127 and a scale for each, rounded to the nearest, halves to even. */
export function quantizeTable({
  dimension,
  vocabularySize,
  rows,
}: TokenTable & { readonly rows: Float32Array }): TokenTable {
  const quantized = new Int8Array(rows.length);
  const weights = new Float32Array(vocabularySize);
  for (let token = 0; token < vocabularySize; token++) {
    let largest = 0;
    for (let i = token * dimension; i < (token + 1) * dimension; i++)
      largest = Math.max(largest, Math.abs(rows[i] as number));
    const scale = Math.fround(largest / 127);
    weights[token] = scale;
    if (scale > 0)
      for (let i = token * dimension; i < (token + 1) * dimension; i++)
        quantized[i] = roundToEven((rows[i] as number) / scale);
  }
  return { dimension, vocabularySize, rows: quantized, weights };
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
