import { HubError, HubUnavailableError } from '../errors.js';
import type { Pace } from './pace.js';

/** Called before each wait. */
export type OnWait = (error: HubError, milliseconds: number) => void;

export interface RetryOptions {
  readonly pace: Pace;
  readonly stop: AbortSignal;
  readonly onWait: OnWait;
  /** The furthest byte that was ever reached; it never falls. */
  readonly reached?: () => number;
}

/**
 * Repeats what may succeed in a moment, until it has failed `pace.attempts` times without progress. @throws the last
 * error, permanent ones at once, the signal's reason.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { pace, stop, onWait, reached = () => 0 }: RetryOptions,
): Promise<T> {
  let failures = 0;
  let furthest = reached();
  for (;;) {
    stop.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      stop.throwIfAborted();
      if (!(error instanceof HubError) || error.retry === 'permanent') throw error;
      if (reached() - furthest >= pace.progressBytes) {
        furthest = reached();
        failures = 0;
      }
      failures += 1;
      if (failures >= pace.attempts) throw error;
      const asked = error instanceof HubUnavailableError ? (error.retryAfter ?? 0) : 0;
      const milliseconds = Math.min(
        pace.longestWaitMilliseconds,
        Math.max(asked, pace.backoffMilliseconds * 2 ** (failures - 1)),
      );
      onWait(error, milliseconds);
      await pace.delay(milliseconds, stop);
    }
  }
}
