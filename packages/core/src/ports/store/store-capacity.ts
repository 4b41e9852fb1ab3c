/** Room for more vectors. */
export interface StoreCapacity {
  /** Bytes that the vectors of one more space take, indexes and overhead included. */
  estimateBytes(rows: number, dimension: number): number;
  /** Bytes free where the vectors lie, or undefined where that cannot be seen (a database server). */
  freeBytes(): Promise<number | undefined>;
}
