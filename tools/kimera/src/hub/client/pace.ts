import { setTimeout as sleep } from 'node:timers/promises';

/** How a pull waits and how often it tries. */
export interface Pace {
  /** A connection on which nothing comes for so long has stalled. */
  readonly idleMilliseconds: number;
  /** Tries without progress, the first one included. */
  readonly attempts: number;
  /**
   * Bytes beyond the furthest one so far that count as progress: a hub that sends one byte a try does not keep us for
   * ever.
   */
  readonly progressBytes: number;
  /** Before the second try; doubled with each further one. */
  readonly backoffMilliseconds: number;
  /** Longest wait that a hub may ask for. */
  readonly longestWaitMilliseconds: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** @throws the signal's reason where it is aborted. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * Six tries within half a minute outlast a restarted proxy; a rate limit of the public hub lasts five minutes at most.
 */
export const PACE: Pace = {
  idleMilliseconds: 30_000,
  attempts: 6,
  progressBytes: 1 << 16,
  backoffMilliseconds: 1_000,
  longestWaitMilliseconds: 300_000,
  now: Date.now,
  delay: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};
