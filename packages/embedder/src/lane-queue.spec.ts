import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LaneQueue } from './lane-queue.js';

interface Call {
  readonly client: string;
  readonly texts: readonly Int32Array[];
  readonly due: number;
}
const call = (client: string, ...lengths: readonly number[]): Call => dueCall(0, client, lengths);
const dueCall = (due: number, client: string, lengths: readonly number[]): Call => ({
  client,
  due,
  texts: lengths.map((length) => new Int32Array(length)),
});
/** The client of each text, in the order in which they are taken. */
function order(queue: LaneQueue<Call>, budget: number): string {
  let taken = '';
  while (!queue.isEmpty)
    taken += queue
      .take(budget)
      .map((text) => text.call.client)
      .join('');
  return taken;
}

describe('a lane', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 1_500 });
  const calls = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), lengths), { maxLength: 12 });
  it('gives every text once, within the budget, and knows what waits', () => {
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 200 }), (given, budget) => {
        const queue = new LaneQueue<Call>();
        const left = new Map<Call, Set<number>>();
        for (const [client, sizes] of given) {
          const one = call(client, ...sizes);
          left.set(one, new Set(sizes.keys()));
          queue.push(one);
        }
        let waiting = given.flatMap(([, sizes]) => sizes).reduce((sum, size) => sum + size, 0);
        while (!queue.isEmpty) {
          expect(queue.tokens).toBe(waiting);
          const batch = queue.take(budget);
          const tokens = batch.reduce((sum, { ids }) => sum + ids.length, 0);
          expect(batch.length === 1 || (batch.length > 0 && tokens <= budget)).toBe(true);
          for (const text of batch) expect(left.get(text.call)?.delete(text.index)).toBe(true);
          waiting -= tokens;
        }
        expect([...left.values()].every(({ size }) => size === 0)).toBe(true);
        expect([waiting, queue.tokens]).toEqual([0, 0]);
      }),
      { numRuns: 30 },
    );
  });

  it('gives the texts of a call by rising length, window by window', () => {
    const queue = new LaneQueue<Call>();
    queue.push(call('a', ...Array.from({ length: 3_000 }, (_, i) => 1 + ((i * 7) % 40))));
    const taken: number[] = [];
    while (!queue.isEmpty) taken.push(...queue.take(100).map(({ ids }) => ids.length));
    for (const from of [0, 1_024, 2_048]) {
      const window = taken.slice(from, from + 1_024);
      expect(window).toEqual(window.toSorted((a, b) => a - b));
    }
  });

  it('gives clients their turns by tokens, whatever the size and the number of their calls', () => {
    const queue = new LaneQueue<Call>();
    queue.push(call('a', ...Array.from({ length: 12 }, () => 10)));
    for (let i = 0; i < 6; i++) queue.push(call('b', 10));
    queue.push(call('c', 40, 40));
    expect(order(queue, 10)).toBe('abcababababcabaaaaaa');
  });

  it('gives the calls of one client as they are due: a short one does not wait for a long one', () => {
    const queue = new LaneQueue<Call>();
    const long = dueCall(2_000, 'a', Array<number>(100).fill(10));
    const [short, later, same] = [dueCall(1_500, 'a', [10, 10]), dueCall(3_000, 'a', [10]), dueCall(2_000, 'a', [10])];
    queue.push(long);
    expect(queue.take(20).map((text) => text.call)).toEqual([long, long]);
    for (const each of [later, short, same]) queue.push(each);
    const next: Call[] = [];
    while (!queue.isEmpty) next.push(...queue.take(20).map((text) => text.call));
    expect([...new Set(next)]).toEqual([short, long, same, later]);
  });

  it('gives a client that comes anew no claim for the time before', () => {
    const queue = new LaneQueue<Call>();
    queue.push(call('a', ...Array.from({ length: 100 }, () => 10)));
    for (let i = 0; i < 50; i++) queue.take(10);
    queue.push(call('b', ...Array.from({ length: 10 }, () => 10)));
    const next = Array.from({ length: 8 }, () => queue.take(10)[0]?.call.client);
    expect(next.filter((client) => client === 'b').length).toBe(4);
  });

  it('does not let a text that is longer than a batch wait for ever', () => {
    const queue = new LaneQueue<Call>();
    queue.push(call('a', 500));
    for (let i = 0; i < 50; i++) queue.push(call('b', 3));
    expect(order(queue, 10).indexOf('a')).toBeLessThan(4);
  });

  it('passes over what was given up', () => {
    const queue = new LaneQueue<Call>();
    const [stays, goes] = [call('a', 1, 2, 3), call('a', 4, 5)];
    queue.push(goes);
    queue.push(stays);
    expect(queue.take(4).map((text) => text.call)).toEqual([goes]);
    queue.forget(goes);
    queue.forget(goes);
    expect(queue.tokens).toBe(6);
    expect(queue.take(100).map((text) => text.call)).toEqual([stays, stays, stays]);
    expect(queue.isEmpty).toBe(true);
    queue.forget(stays);
    expect(queue.tokens).toBe(0);
  });

  it('says what is computed before a call is done: of every other client as much as of its own, of its own what is due before', () => {
    const queue = new LaneQueue<Call>();
    const tokens = (count: number): readonly number[] => Array.from({ length: count / 10 }, () => 10);
    const large = dueCall(30, 'a', tokens(20_000));
    queue.push(large);
    queue.push(dueCall(20, 'b', tokens(3_000)));
    queue.push(dueCall(10, 'b', tokens(100)));
    const ahead = (client: string | undefined, count: number, due: number, turn: number): number =>
      queue.ahead(client, { tokens: count, due }, turn);
    expect(ahead('c', 50, 0, 100)).toBe(200);
    expect(ahead('c', 5_000, 0, 100)).toBe(5_000 + 3_100);
    expect(ahead('a', 50, 29, 300)).toBe(300);
    expect(ahead('a', 50, 30, 300)).toBe(20_000 + 3_100);
    expect(ahead('b', 50, 15, 100)).toBe(100 + 200);
    expect(ahead(undefined, 1, 0, 1)).toBe(2);
    queue.take(1_000);
    expect(queue.large(3_000).map(({ call: each, tokens: left }) => [each.client, left])).toEqual([
      ['a', 19_000],
      ['b', 3_000],
    ]);
    queue.forget(large);
    expect(queue.large(1).map(({ call: each }) => each.client)).toEqual(['b']);
  });
});
