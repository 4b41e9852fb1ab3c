import type { TensorSource } from './tensor-source.js';

/** Elements between two rows that are rather read than left out: 4 KB take less time than another read. */
const GAP = 1_024;

/**
 * Rows of a matrix by their index, each once; those that lie near each other are read together. @throws as
 * TensorSource.read.
 */
export async function readRows(
  source: Pick<TensorSource, 'read'>,
  name: string,
  width: number,
  indices: Iterable<number>,
): Promise<ReadonlyMap<number, Float32Array>> {
  const rows = new Map<number, Float32Array>();
  const sorted = [...new Set(indices)].sort((a, b) => a - b);
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const first = sorted[from] as number;
    let last = first;
    for (to = from + 1; to < sorted.length && ((sorted[to] as number) - last - 1) * width <= GAP; to++)
      last = sorted[to] as number;
    const values = await source.read(name, { from: first * width, count: (last - first + 1) * width });
    for (const index of sorted.slice(from, to))
      rows.set(index, values.subarray((index - first) * width, (index - first + 1) * width));
  }
  return rows;
}
