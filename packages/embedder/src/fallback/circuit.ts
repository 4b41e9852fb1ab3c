/** Failures in a row after which a circuit opens. */
export const FAILURES_TO_OPEN = 3;
/**
 * Milliseconds until the first trial; doubled by each trial that fails, up to the longest: a machine without a native
 * addon costs one attempt in five minutes.
 */
export const FIRST_PAUSE_MS = 10_000;
export const LONGEST_PAUSE_MS = 300_000;

export interface CircuitOptions {
  readonly failuresToOpen: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Whether what was broken works again: by a resolved promise. */
  readonly trial: () => Promise<void>;
  /** After it opened or closed. */
  readonly onChange: () => void;
}

/**
 * A circuit breaker whose trial is not a request. closed: in use. open: not in use, a pause runs. half-open: the trial
 * is under way; it closes the circuit, or opens it for twice as long. After a trial the first failure opens it again.
 */
export class Circuit {
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #failures = 0;
  #pause: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reason: Error | undefined;
  #retryAt: number | undefined;
  #stopped = false;
  readonly #options: CircuitOptions;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#pause = options.firstPauseMs;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state;
  }
  /** Why it is not closed. */
  get reason(): Error | undefined {
    return this.#reason;
  }
  /** When the next trial starts, milliseconds since 1970. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }
  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  success(): void {
    if (this.#state !== 'closed') return;
    this.#failures = 0;
    this.#pause = this.#options.firstPauseMs;
  }

  /** Counts one, and opens the circuit where it was the last that is borne. */
  failure(reason: Error): void {
    if (this.#state !== 'closed') return;
    this.#failures += 1;
    if (this.#failures >= this.#options.failuresToOpen) this.open(reason);
  }

  /** At once, whatever was counted. */
  open(reason: Error): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#state = 'open';
    this.#reason = reason;
    this.#retryAt = Date.now() + this.#pause;
    this.#timer = setTimeout(() => void this.#try(), this.#pause);
    // A number in browsers; in Node it must not keep a process alive that has nothing else to do.
    if (typeof this.#timer === 'object') this.#timer.unref();
    this.#pause = Math.min(this.#pause * 2, this.#options.longestPauseMs);
    this.#options.onChange();
  }

  /** No further trial. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    this.#state = 'half-open';
    this.#retryAt = undefined;
    try {
      await this.#options.trial();
    } catch (error) {
      this.open(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#stopped) return;
    this.#state = 'closed';
    this.#reason = undefined;
    this.#failures = this.#options.failuresToOpen - 1;
    this.#options.onChange();
  }
}
