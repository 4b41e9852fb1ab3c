import { setTimeout as delay } from 'node:timers/promises';

/**
 * Seconds that one call of the model should take: between two calls a worker looks for changes of the active space, for
 * a pause and for a signal. Long enough for full batches: a call of half a second is some thousand tokens.
 */
const CALL_SECONDS = 0.5;
/** Before the speed is known. */
const FIRST_ROWS = 16;
const LEAST_ROWS = 8;
const MOST_ROWS = 256;

export interface PaceOptions {
  /** Upper bound of a worker; none where absent. */
  readonly maxRowsPerSecond?: number;
  /** Share of the time in which the models may work, above 0, at most 1; default 1. */
  readonly maxModelShare?: number;
}

/** How many rows a worker gives to a model at a time, and how long it rests after them. */
export class Pace {
  readonly #speeds = new Map<string, number>();

  constructor(
    private readonly options: PaceOptions,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Of the next call of that model: about half a second of work, and not more than the rate lets through in a second. */
  rows(space: string): number {
    const speed = this.#speeds.get(space);
    const wanted = speed === undefined ? FIRST_ROWS : Math.round(speed * CALL_SECONDS);
    const { maxRowsPerSecond = Infinity } = this.options;
    return Math.max(1, Math.min(MOST_ROWS, Math.max(LEAST_ROWS, wanted), Math.floor(maxRowsPerSecond)));
  }

  /** Rows a second, or undefined before the first call. */
  speed(space: string): number | undefined {
    return this.#speeds.get(space);
  }

  /** Calls the model, and then rests for as long as rate and share ask for; a signal ends the rest. */
  async run<T>(space: string, rows: number, call: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await call();
    const took = Math.max(0.1, performance.now() - started);
    const measured = (rows * 1000) / took;
    const before = this.#speeds.get(space) ?? measured;
    this.#speeds.set(space, (before + measured) / 2);
    const { maxRowsPerSecond, maxModelShare = 1 } = this.options;
    const rest = Math.max(
      maxRowsPerSecond === undefined ? 0 : (rows / maxRowsPerSecond) * 1000 - took,
      took * (1 / maxModelShare - 1),
    );
    if (rest > 0) await pause(rest, this.signal);
    return result;
  }
}

/** Ends early where the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
