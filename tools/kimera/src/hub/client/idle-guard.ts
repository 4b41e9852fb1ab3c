/** Aborts one request when nothing has come for a while, or when the caller stops. */
export class IdleGuard {
  readonly #controller = new AbortController();
  readonly #onStop = (): void => this.#controller.abort(this.stop.reason);
  #timer: NodeJS.Timeout | undefined;
  #state: 'open' | 'stalled' = 'open';

  constructor(
    private readonly milliseconds: number,
    private readonly stop: AbortSignal,
  ) {
    if (stop.aborted) this.#onStop();
    stop.addEventListener('abort', this.#onStop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get stalled(): boolean {
    return this.#state === 'stalled';
  }

  /** We wait for the hub from now on. */
  wait(): void {
    this.rest();
    this.#timer = setTimeout(() => {
      this.#state = 'stalled';
      this.#controller.abort();
    }, this.milliseconds);
  }

  /** The hub waits for us. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.rest();
    this.stop.removeEventListener('abort', this.#onStop);
  }
}
