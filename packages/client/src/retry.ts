/** How often and how long a request is tried again. */
export interface RetryOptions {
  /** Tries after the first. Default 4; 0 turns retries off. */
  readonly retries?: number;
  /** A `Retry-After` beyond this is not waited for: the error is thrown at once. Default 60,000. */
  readonly longestWaitMilliseconds?: number;
}

/** The first pause where the server names none; it doubles with each try. */
const FIRST_PAUSE_MILLISECONDS = 250;
const LONGEST_PAUSE_MILLISECONDS = 8_000;
/** Added to `Retry-After` at most, as a part of it, so that clients that were refused together come again apart. */
const RETRY_AFTER_JITTER = 0.25;

/**
 * Milliseconds until the next try. Never earlier than the server asks for. @param attempt 0 for the first retry.
 * @param random from 0 to 1.
 */
export function pauseBefore(attempt: number, retryAfterMilliseconds: number | undefined, random: number): number {
  if (retryAfterMilliseconds !== undefined) return retryAfterMilliseconds * (1 + RETRY_AFTER_JITTER * random);
  const most = Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** attempt, LONGEST_PAUSE_MILLISECONDS);
  return most * (0.5 + 0.5 * random);
}

/** Of a `Retry-After` header: seconds, or a date. @param now milliseconds since 1970. */
export function retryAfterMilliseconds(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Rejects with the signal's reason where that aborts first. */
export function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
