import { ClosedError, type EmbeddingSpace, type InferenceBackend, SpaceMismatchError } from '@kimera/core';
import { OpeningTimeoutError } from '../errors.js';
import type { BackendStep } from './backend-step.js';
import { Circuit, type CircuitOptions } from './circuit.js';
import { Lease } from './lease.js';

/** Nothing opens for longer: a model of bge-m3's size takes some seconds, from a slow disk a minute. */
const OPENING_SECONDS = 300;
/** How long a backend that stood in for a single call stays open. */
export const IDLE_MILLISECONDS = 60_000;

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
  /** Everything that was opened and is not known to be closed. */
  readonly #leases = new Set<Lease>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    { name, open }: BackendStep,
    space: EmbeddingSpace,
    circuit: Omit<CircuitOptions, 'trial' | 'onChange'>,
    onChange: (step: Step) => void,
  ) {
    this.name = name;
    this.#open = open;
    this.#space = space;
    this.circuit = new Circuit({
      ...circuit,
      trial: async () => {
        await this.acquire();
      },
      onChange: () => onChange(this),
    });
  }

  /** What it has open. */
  get backend(): InferenceBackend | undefined {
    return this.#lease?.backend;
  }

  /** True for what `acquire` gives now: a lease that was let go says nothing about the one that took its place. */
  holds(lease: Lease): boolean {
    return this.#lease === lease;
  }

  /**
   * Its backend; calls share one opening. @throws the backend's own error, SpaceMismatchError where it serves another
   * space, ClosedError.
   */
  acquire(): Promise<Lease> {
    if (this.#opening !== undefined) return this.#opening;
    const opening = this.#opened();
    this.#opening = opening;
    opening.then(
      (lease) => {
        if (this.#opening === opening) this.#lease = lease;
      },
      () => {
        if (this.#opening === opening) this.#opening = undefined;
      },
    );
    return opening;
  }

  /**
   * Closes its backend after the last call on it, also one that is being opened; it is opened again when it is needed.
   */
  release(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#lease = undefined;
    opening?.then(
      (lease) => lease.retire(),
      () => undefined,
    );
  }

  /** Lets its backend go after a while in which nothing more came, where it is still not needed then. */
  releaseLater(isNeeded: () => boolean): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (!isNeeded()) this.release();
    }, IDLE_MILLISECONDS);
    // A number in browsers; in Node it must not keep a process alive that has nothing else to do.
    if (typeof this.#idle === 'object') this.#idle.unref();
  }

  /** Closes everything now: calls on it fail. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.circuit.stop();
    await this.#opening?.catch(() => undefined);
    await Promise.all([...this.#leases].map((lease) => lease.close()));
  }

  async #opened(): Promise<Lease> {
    this.#throwIfClosed();
    const lease = await this.#withinTime(this.#open());
    try {
      this.#throwIfClosed();
      const { fingerprint } = lease.backend.space;
      if (fingerprint !== this.#space.fingerprint)
        throw new SpaceMismatchError(this.#space.fingerprint, fingerprint, `backend ${this.name}`);
    } catch (error) {
      await lease.close();
      throw error;
    }
    return lease;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new ClosedError(this.name);
  }

  /** A driver that hangs must not hold all calls back. What opens after that is closed at once. */
  async #withinTime(opening: Promise<InferenceBackend>): Promise<Lease> {
    const leased = opening.then((backend) => {
      const lease = new Lease(backend, (closed) => this.#leases.delete(closed));
      this.#leases.add(lease);
      return lease;
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new OpeningTimeoutError(this.name, OPENING_SECONDS)), OPENING_SECONDS * 1000);
    });
    try {
      return await Promise.race([leased, late]);
    } catch (error) {
      leased.then(
        (lease) => lease.close(),
        () => undefined,
      );
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
