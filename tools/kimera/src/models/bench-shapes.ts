/** B texts of T tokens: single queries, batches of sentences and passages, and long documents where the model reads them. */
export const BENCH_SHAPES: readonly (readonly [texts: number, tokens: number])[] = [
  [1, 16],
  [32, 16],
  [32, 75],
  [8, 250],
  [1, 512],
  [1, 2_048],
  [1, 8_192],
];

/**
 * So many sequences of exactly so many tokens, made of real ones: the first and the last token of each are those around a
 * text.
 * @param sequences of the model's tokenizer, at least one.
 */
export function tokensOf(sequences: readonly Int32Array[], texts: number, tokens: number): readonly Int32Array[] {
  const inner = sequences.flatMap((ids) => [...ids.subarray(1, -1)]);
  const whole = sequences[0] ?? new Int32Array();
  return Array.from({ length: texts }, (_, text) => {
    const ids = Int32Array.from({ length: tokens }, (_unused, at) => inner[(text * tokens + at) % inner.length] ?? 0);
    ids.set(whole.subarray(0, 1));
    ids.set(whole.subarray(-1), tokens - 1);
    return ids;
  });
}
