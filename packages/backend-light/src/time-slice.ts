/** Milliseconds of work in one go, after which other work of the thread gets its turn. */
const SLICE = 10;

/** Lets the event loop run once enough work was done in one go: a long call must not hold the thread it shares. */
export class TimeSlice {
  #since = performance.now();

  async pause(): Promise<void> {
    if (performance.now() - this.#since < SLICE) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#since = performance.now();
  }
}
