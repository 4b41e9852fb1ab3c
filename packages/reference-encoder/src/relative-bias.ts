/**
 * The least distance of each of the 16 buckets of one direction: the first eight hold one distance each, the others
 * grow by powers of √2, the last has no end. transformers 4.57.6, modeling_mpnet.py relative_position_bucket with 32
 * buckets and a distance of 128; its logarithms in float32 give these.
 */
const BUCKET_STARTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91] as const;

/** Rows of the table that are used: both directions. MPNet's number whatever its configuration says. */
export const RELATIVE_BUCKETS = 2 * BUCKET_STARTS.length;
/** From this distance on all have one bucket. */
export const LAST_DISTANCE = BUCKET_STARTS[BUCKET_STARTS.length - 1] as number;

/** The row of a distance: place of the key minus place of the query. */
export function relativeBucket(distance: number): number {
  const bucket = BUCKET_STARTS.findLastIndex((start) => start <= Math.abs(distance));
  return distance > 0 ? BUCKET_STARTS.length + bucket : bucket;
}

/** What is added to the score of a query and a key, by head. */
export type RelativeBias = (head: number, distance: number) => number;

/** @param table [R, H]. */
export function relativeBias(table: Float32Array, heads: number): RelativeBias {
  return (head, distance) => table[relativeBucket(distance) * heads + head] as number;
}
