import { describe, expect, it } from '@jest/globals';
import { onSignal } from './shutdown.js';

/** A process whose clock and closing are the test's. */
function start() {
  const clock = { now: 5_000 };
  const closing: { resolve(): void; reject(reason: Error): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  const seen: { closes: number; exits: number[]; lines: string[] } = { closes: 0, exits: [], lines: [] };
  const log = (_fields: object, line: string): void => void seen.lines.push(line);
  const signal = onSignal({
    close: () => {
      seen.closes += 1;
      return new Promise((resolve, reject) => Object.assign(closing, { resolve, reject }));
    },
    exit: (code) => seen.exits.push(code),
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

  it('given twice within a second is one', () => {
    const { clock, seen, signal } = start();
    signal('SIGTERM');
    signal('SIGTERM');
    clock.now += 1_000;
    signal('SIGINT');
    expect(seen).toMatchObject({ closes: 1, exits: [] });
  });

  it('that comes later ends at once with 1', () => {
    const { clock, seen, signal } = start();
    signal('SIGINT');
    clock.now += 1_001;
    signal('SIGINT');
    expect(seen).toMatchObject({ closes: 1, exits: [1] });
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
