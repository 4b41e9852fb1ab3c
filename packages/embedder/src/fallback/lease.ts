import type { InferenceBackend } from '@kimera/core';

/** An open backend and the calls on it. */
export class Lease {
  #calls = 0;
  #retired = false;
  constructor(readonly backend: InferenceBackend) {}

  /** True where its backend is closed, or closes after its last call: no new calls. */
  get isRetired(): boolean {
    return this.#retired;
  }

  async use<Result>(call: (backend: InferenceBackend) => Promise<Result>): Promise<Result> {
    this.#calls += 1;
    try {
      return await call(this.backend);
    } finally {
      this.#calls -= 1;
      this.#closeIfUnused();
    }
  }

  /** Closes the backend after the last of its calls. */
  retire(): void {
    this.#retired = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#retired && this.#calls === 0) void this.backend.close();
  }
}
