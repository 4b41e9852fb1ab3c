import type { InferenceBackend } from '@kimera/core';

/** An open backend and the calls on it. */
export class Lease {
  #calls = 0;
  #retired = false;
  #closing: Promise<void> | undefined;
  /** @param onClosed once its backend is closed. */
  constructor(
    readonly backend: InferenceBackend,
    private readonly onClosed: (lease: Lease) => void,
  ) {}

  async use<Result>(call: (backend: InferenceBackend) => Promise<Result>): Promise<Result> {
    this.#calls += 1;
    try {
      return await call(this.backend);
    } finally {
      this.#calls -= 1;
      if (this.#retired && this.#calls === 0) void this.close();
    }
  }

  /** Closes the backend after the last of its calls. */
  retire(): void {
    this.#retired = true;
    if (this.#calls === 0) void this.close();
  }

  /** Closes the backend now: calls on it fail. A failure to close is ignored: nothing uses it any longer. */
  close(): Promise<void> {
    this.#closing ??= this.backend
      .close()
      .catch(() => undefined)
      .then(() => this.onClosed(this));
    return this.#closing;
  }
}
