/** Texts of one lane are sorted by length within a window of this many: whatever fits into a few batches. */
const WINDOW = 1_024;

export interface QueuedText {
  readonly ids: Int32Array;
  /** Of the caller, who may have given up meanwhile: then the text is not computed. */
  readonly job: { readonly done: boolean };
}

/**
 * Texts waiting in one lane. A batch is cut out of the window, from the length of its oldest text upwards, so that the
 * backend finds texts of like length together and none waits for ever. Taking a batch costs the window, whatever waits
 * behind it.
 */
export class LaneQueue<Item extends QueuedText> {
  /** In order of arrival. */
  #arrived: Item[] = [];
  /** Where the rest of #arrived starts. */
  #next = 0;
  #window: readonly Item[] = [];

  push(item: Item): void {
    this.#arrived.push(item);
  }

  get isEmpty(): boolean {
    this.#fill();
    return this.#window.length === 0;
  }

  /** At most `budget` tokens; a longer text alone. */
  take(budget: number): readonly Item[] {
    this.#fill();
    const [oldest] = this.#window;
    if (oldest === undefined) return [];
    const sorted = this.#window.toSorted((a, b) => a.ids.length - b.ids.length);
    const batch: Item[] = [];
    let tokens = 0;
    for (let i = sorted.indexOf(oldest); i < sorted.length; i++) {
      const item = sorted[i] as Item;
      if (batch.length > 0 && tokens + item.ids.length > budget) break;
      batch.push(item);
      tokens += item.ids.length;
    }
    const taken = new Set(batch);
    this.#window = this.#window.filter((item) => !taken.has(item));
    return batch;
  }

  /** Everything that waits; the queue is empty then. */
  drain(): readonly Item[] {
    const items = [...this.#window, ...this.#arrived.slice(this.#next)];
    this.#window = [];
    this.#arrived = [];
    this.#next = 0;
    return items.filter(({ job }) => !job.done);
  }

  #fill(): void {
    const window = this.#window.filter(({ job }) => !job.done);
    while (window.length < WINDOW && this.#next < this.#arrived.length) {
      const item = this.#arrived[this.#next++] as Item;
      if (!item.job.done) window.push(item);
    }
    this.#window = window;
    // Amortised: each text is moved once for each time that as many were taken.
    if (this.#next > WINDOW && this.#next * 2 > this.#arrived.length) {
      this.#arrived = this.#arrived.slice(this.#next);
      this.#next = 0;
    }
  }
}
