import { describe, expect, it } from '@jest/globals';
import { onSignal } from './shutdown.js';

/** A process whose clock and closing are the test's. */
function start() {
  const clock = { now: 5_000 };
  const closing: { resolve(): void; reject(reason: Error): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  const seen: { closes: number; exits: number[]; deaths: string[]; lines: string[] } = {
    closes: 0,
    exits: [],
    deaths: [],
    lines: [],
  };
  const log = (_fields: object, line: string): void => void seen.lines.push(line);
  const signal = onSignal({
    close: () => {
      seen.closes += 1;
      return new Promise((resolve, reject) => Object.assign(closing, { resolve, reject }));
    },
    exit: (code) => seen.exits.push(code),
    die: (signal) => seen.deaths.push(signal),
    now: () => clock.now,
    logger: { info: log, warn: log, error: log },
  });
  return { clock, closing, seen, signal };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a signal', () => {
  it('closes, and ends with 0 once that is done', async () => {
    const { closing, seen, signal } = start();
    signal('SIGTERM');
    await settled();
    expect(seen).toMatchObject({ closes: 1, exits: [] });
    closing.resolve();
    await settled();
    expect(seen.exits).toEqual([0]);
  });

  it('handed on several times at once is one', () => {
    const { clock, seen, signal } = start();
    signal('SIGTERM');
    signal('SIGTERM');
    clock.now += 200;
    signal('SIGINT');
    clock.now += 200;
    signal('SIGTERM');
    expect(seen).toMatchObject({ closes: 1, exits: [], deaths: [] });
  });

  it('that comes later ends at once, by the signal', () => {
    const { clock, seen, signal } = start();
    signal('SIGINT');
    clock.now += 201;
    signal('SIGINT');
    expect(seen).toMatchObject({ closes: 1, exits: [], deaths: ['SIGINT'] });
    expect(seen.lines.at(-1)).toContain('at once');
  });

  it('after which closing fails says so and ends with 1', async () => {
    const { closing, seen, signal } = start();
    signal('SIGTERM');
    closing.reject(new Error('the worker hangs'));
    await settled();
    expect(seen).toMatchObject({ exits: [1] });
    expect(seen.lines.at(-1)).toBe('closing failed');
  });
});
