/** More than a word has characters: a rank and a position are one number. */
const POSITIONS = 2 ** 31;

/** A queue of (rank, position): the lowest rank first, and of those the lowest position. */
export class MergeQueue {
  readonly #heap: number[] = [];
  /** What `pop` took out last. */
  rank = 0;
  position = 0;

  push(rank: number, position: number): void {
    const heap = this.#heap;
    const value = rank * POSITIONS + position;
    let at = heap.length;
    heap.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= value) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = value;
  }

  /** Takes out the next one. Returns false where none is left. */
  pop(): boolean {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return false;
    if (heap.length > 0) this.#sink(last);
    this.rank = Math.floor(top / POSITIONS);
    this.position = top - this.rank * POSITIONS;
    return true;
  }

  /** Puts `value` at the top and lets it down to its place. */
  #sink(value: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= value) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = value;
  }
}
