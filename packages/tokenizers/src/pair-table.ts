/** Numbers of an entry: the two of its key, the two of its value. */
const NUMBERS = 4;
/** Of the places, those that are taken at most, so that few keys ask for one that is taken. */
const LOAD = 0.6;

/**
 * From two numbers to two others, none of them negative but the last. Open addressing in one flat array, an entry as four
 * numbers side by side: a look-up mostly reads one line of the processor's cache, and 250,000 entries take 8 MB.
 */
export class PairTable {
  #entries = emptyEntries(256);
  /** Of the first number of a place. */
  #mask = this.#entries.length - NUMBERS;
  #size = 0;

  /** Where the entry of a key is, -1 where there is none. Valid until the next `set`. */
  find(left: number, right: number): number {
    const place = this.#place(left, right);
    return this.#entries[place] === -1 ? -1 : place;
  }

  first(place: number): number {
    return this.#entries[place + 2] as number;
  }

  second(place: number): number {
    return this.#entries[place + 3] as number;
  }

  /** The last value of a key holds. */
  set(left: number, right: number, first: number, second: number): void {
    let place = this.#place(left, right);
    if (this.#entries[place] === -1) {
      this.#size += 1;
      if (this.#size * NUMBERS > this.#entries.length * LOAD) {
        this.#grow();
        place = this.#place(left, right);
      }
    }
    this.#entries[place] = left;
    this.#entries[place + 1] = right;
    this.#entries[place + 2] = first;
    this.#entries[place + 3] = second;
  }

  /** Where the entry of a key is, or would be. */
  #place(left: number, right: number): number {
    const entries = this.#entries;
    let at = hash(left, right) & this.#mask;
    while (entries[at] !== -1 && (entries[at] !== left || entries[at + 1] !== right)) at = (at + NUMBERS) & this.#mask;
    return at;
  }

  #grow(): void {
    const before = this.#entries;
    this.#entries = emptyEntries((before.length / NUMBERS) * 2);
    this.#mask = this.#entries.length - NUMBERS;
    for (let at = 0; at < before.length; at += NUMBERS) {
      const left = before[at] as number;
      if (left === -1) continue;
      const place = this.#place(left, before[at + 1] as number);
      for (let i = 0; i < NUMBERS; i++) this.#entries[place + i] = before[at + i] as number;
    }
  }
}

/** @param places a power of two. */
function emptyEntries(places: number): Int32Array {
  return new Int32Array(places * NUMBERS).fill(-1);
}

/** The lowest two bits are of no use: places are four numbers apart. */
function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
}
