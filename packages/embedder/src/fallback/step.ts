import { ClosedError, SpaceMismatchError, type EmbeddingSpace, type InferenceBackend } from '@kimera/core';
import type { BackendStep } from './backend-step.js';
import { Circuit, type CircuitOptions } from './circuit.js';
import { Lease } from './lease.js';

/** A step of the chain: its circuit, and its backend, which is opened when it is first needed. */
export class Step {
  readonly name: string;
  readonly circuit: Circuit;
  /** Calls that failed since the start. */
  failures = 0;
  readonly #open: BackendStep['open'];
  readonly #space: EmbeddingSpace;
  #opening: Promise<Lease> | undefined;
  #lease: Lease | undefined;
  #closed = false;

  constructor({ name, open }: BackendStep, space: EmbeddingSpace, circuit: Omit<CircuitOptions, 'trial' | 'onChange'>, onChange: (step: Step) => void) {
    this.name = name;
    this.#open = open;
    this.#space = space;
    this.circuit = new Circuit({ ...circuit, trial: async () => void (await this.acquire()), onChange: () => onChange(this) });
  }

  /** What it has open. */
  get backend(): InferenceBackend | undefined {
    return this.#lease?.backend;
  }

  /** Its backend; calls share one opening. @throws the backend's own error, SpaceMismatchError where it serves another space, ClosedError. */
  acquire(): Promise<Lease> {
    this.#opening ??= this.#opened().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** A call on its backend, opened where it is not. @throws as acquire, and what the call throws. */
  async use<Result>(call: (backend: InferenceBackend) => Promise<Result>): Promise<Result> {
    let lease = await this.acquire();
    while (lease.isRetired) lease = await this.acquire();
    return lease.use(call);
  }

  /** Closes its backend after the last call on it; it is opened again when it is needed. */
  release(): void {
    this.#lease?.retire();
    this.#lease = undefined;
    this.#opening = undefined;
  }

  /** Closes it now: calls on it fail. */
  async close(): Promise<void> {
    this.#closed = true;
    this.circuit.stop();
    await this.#opening?.catch(() => undefined);
    await this.#lease?.backend.close();
  }

  async #opened(): Promise<Lease> {
    if (this.#closed) throw new ClosedError(this.name);
    const backend = await this.#open();
    const { fingerprint } = backend.space;
    if (this.#closed || fingerprint !== this.#space.fingerprint) {
      await backend.close();
      throw this.#closed ? new ClosedError(this.name) : new SpaceMismatchError(this.#space.fingerprint, fingerprint, `backend ${this.name}`);
    }
    this.#lease = new Lease(backend);
    return this.#lease;
  }
}
