/**
 * RFC 9110, 10.2.3: seconds, or a date of one of the three forms of 5.6.7, all of which begin with the name of a day.
 */
const SECONDS = /^\d{1,9}$/;
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/** Milliseconds that a Retry-After header asks to wait from `now` on, or null where it is absent or cannot be read. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (SECONDS.test(text)) return Number(text) * 1000;
  const date = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
