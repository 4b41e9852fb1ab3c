/** Values for which memory is kept between two uses: one text of megabytes must not hold its memory for ever. */
const KEPT = 16_384;

/** A growing list of int32. */
export class Int32List {
  #values = new Int32Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Int32Array(this.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }
  at(index: number): number {
    return this.#values[index] as number;
  }
  set(index: number, value: number): void {
    this.#values[index] = value;
  }
  /** A copy of [start, end). */
  slice(start: number, end: number): Int32Array {
    return this.#values.slice(start, end);
  }
  clear(): void {
    this.length = 0;
    if (this.#values.length > KEPT) this.#values = new Int32Array(KEPT);
  }
}
