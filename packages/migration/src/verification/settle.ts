import { setTimeout as delay } from 'node:timers/promises';
import { ChangesWaitingError, type WaitingChanges } from '../errors.js';
import type { MigrationParts } from '../parts.js';
import { work } from '../worker/work.js';
import { allowedPending } from './coverage-check.js';

/** A verification waits at most this long for changes to be embedded. */
export const SETTLE_SECONDS = 60;
/** Where writers never rest, some changes always wait. What waits for less than this is on its way, no backlog. */
export const FRESH_SECONDS = 2;
/** Of such fresh changes at most this share of the rows may wait: what is judged must be of nearly all rows. */
export const FRESH_SHARE = 1 / 20;
const POLL_MILLISECONDS = 250;

export interface SettleOptions {
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((step: string, done: number, total: number) => void) | undefined;
}

/**
 * Waits until so few changes wait that they cannot sway a verdict, or only fresh ones where writers are at work, and
 * embeds them itself beside the workers: there may be none. @throws ChangesWaitingError where they still wait at the end
 * of the time, the signal's reason.
 */
export async function settle(parts: MigrationParts, { seconds, signal, onProgress }: SettleOptions): Promise<void> {
  const { store, collection, target } = parts;
  const started = performance.now();
  let most = 0;
  const read = async (): Promise<Omit<WaitingChanges, 'seconds'>> => {
    const backlog = await store.changes.backlog(collection, target.space.fingerprint);
    most = Math.max(most, backlog.pending);
    if (backlog.pending > 0) onProgress?.('changes that wait', most - backlog.pending, most);
    const rows = await store.collections.countRows(collection);
    const allowed = allowedPending(rows);
    const allowedFresh = Math.max(allowed, Math.floor(rows * FRESH_SHARE));
    return { ...backlog, allowed, allowedFresh, freshSeconds: FRESH_SECONDS };
  };
  for (;;) {
    signal?.throwIfAborted();
    const waiting = await read();
    const { pending, oldestSeconds, allowed, allowedFresh } = waiting;
    if (pending <= allowed || (pending <= allowedFresh && oldestSeconds < FRESH_SECONDS)) return;
    const left = seconds * 1_000 - (performance.now() - started);
    if (left <= 0) throw new ChangesWaitingError({ ...waiting, seconds });
    const { ended } = await withDeadline(left, signal, (end) =>
      work(parts, {
        until: 'caught-up',
        signal: end,
        onProgress: ({ rows }) => onProgress?.('changes that wait', Math.min(rows, most), most),
      }),
    );
    // Another worker is at it, or the migration was paused meanwhile.
    if (ended !== 'stopped') await delay(Math.min(POLL_MILLISECONDS, left));
  }
}

/**
 * The work gets a signal that is aborted with `signal`, or after so many milliseconds. Not by `AbortSignal.timeout`: where only
 * `AbortSignal.any` holds such a signal, Node may collect it before it fires, and the work never ends.
 */
async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (end: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const pass = (): void => stop.abort(signal?.reason);
  const timer = setTimeout(() => stop.abort(), milliseconds);
  signal?.addEventListener('abort', pass, { once: true });
  try {
    return await work(stop.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', pass);
  }
}
