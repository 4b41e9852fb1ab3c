import { KimeraError } from '@kimera/core';
import type { MigrationStorePorts } from '../parts.js';
import { pause } from './pace.js';

const FIRST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 5_000;

export interface PatienceOptions {
  /** How long the database may be away; then its error is thrown. */
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
  /** Called once each time that the database goes away, or is busy; with the message and the code of its error. */
  readonly onAway?: ((reason: string, code: string) => void) | undefined;
  /** Called once it answers again. */
  readonly onBack?: ((seconds: number) => void) | undefined;
}

/** Waits for a database that starts again or is busy: errors of kind `retryable`. */
export class Patience {
  #awaySince: number | undefined;

  constructor(private readonly options: PatienceOptions) {}

  /** Pauses double from 0.1 s to 5 s, half as much more or less by chance, so that not all workers come at once. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const { seconds, signal, onAway, onBack } = this.options;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await call();
        if (this.#awaySince !== undefined) onBack?.((performance.now() - this.#awaySince) / 1000);
        this.#awaySince = undefined;
        return result;
      } catch (error) {
        if (!(error instanceof KimeraError) || error.kind !== 'retryable' || signal?.aborted === true) throw error;
        if (this.#awaySince === undefined) {
          this.#awaySince = performance.now();
          onAway?.(error.message, error.code);
        }
        if (performance.now() - this.#awaySince > seconds * 1000) throw error;
        const wanted = Math.min(LONGEST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** attempt);
        await pause(wanted * (0.5 + Math.random()), signal);
      }
    }
  }

  /**
   * The store as a worker uses it: every call is made again until the database answers. All of them may be: what a call
   * had done already before its answer was lost, it does not do twice.
   */
  store(store: MigrationStorePorts): MigrationStorePorts {
    const { collections, vectors, changes, jobs, migrations } = store;
    return {
      ...store,
      collections: this.#patient(collections),
      vectors: this.#patient(vectors),
      changes: this.#patient(changes),
      jobs: this.#patient(jobs),
      migrations: this.#patient(migrations),
    };
  }

  /** Of a port all of whose methods return promises. */
  #patient<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...values: readonly unknown[]) =>
          this.run(async (): Promise<unknown> => Reflect.apply(member, target, values));
      },
    });
  }
}
