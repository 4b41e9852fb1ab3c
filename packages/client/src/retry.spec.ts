import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pauseBefore, retryAfterMilliseconds, wait } from './retry.js';

describe('pauseBefore', () => {
  it('is never earlier than the server asks for, and within a quarter after it', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.nat(100_000), fc.float({ min: 0, max: 1, noNaN: true }), (attempt, asked, random) => {
        const pause = pauseBefore(attempt, asked, random);
        expect(pause).toBeGreaterThanOrEqual(asked);
        expect(pause).toBeLessThanOrEqual(asked * 1.25);
      }),
    );
  });

  it('doubles up to eight seconds where the server asks for nothing', () => {
    expect([0, 1, 2, 3, 9].map((attempt) => pauseBefore(attempt, undefined, 1))).toEqual([250, 500, 1000, 2000, 8000]);
    expect(pauseBefore(0, undefined, 0)).toBe(125);
  });
});

describe('retryAfterMilliseconds', () => {
  it('reads seconds and dates, and nothing else', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterMilliseconds('7', now)).toBe(7_000);
    expect(retryAfterMilliseconds('0', now)).toBe(0);
    expect(retryAfterMilliseconds('Thu, 01 Jan 2026 00:00:03 GMT', now)).toBe(3_000);
    expect(retryAfterMilliseconds('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMilliseconds('soon', now)).toBeUndefined();
    expect(retryAfterMilliseconds(null, now)).toBeUndefined();
  });
});

describe('wait', () => {
  it('ends at once with the reason of a signal, before and during', async () => {
    const reason = new Error('stopped');
    await expect(wait(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = wait(60_000, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(wait(1, undefined)).resolves.toBeUndefined();
  });
});
