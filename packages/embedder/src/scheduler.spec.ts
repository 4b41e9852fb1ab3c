import { setMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batchSize, type BackendOutput, type HeadRequest, type Lane, type TokenBatch } from '@kimera/core';
import { FakeBackend, fakeSpace, rejection } from '@kimera/testing';
import { QueueFullError } from './errors.js';
import { Scheduler } from './scheduler.js';
import type { BatchTiming } from './statistics.js';

/** Tokens a second of the fake machine; a tenth of it is a batch. */
const RATE = 10_000;

/** A machine that computes one batch at a time, in order, those in order 'first' before the others; its clock is its own. */
class Machine extends FakeBackend {
  now = 0;
  /** Share of its speed that it has. */
  share = 1;
  readonly done: { readonly client: number; readonly tokens: number; readonly at: number }[] = [];
  readonly #waiting: { readonly first: (() => void)[]; readonly last: (() => void)[] } = { first: [], last: [] };
  override async run(batch: TokenBatch, request: HeadRequest): Promise<BackendOutput> {
    await new Promise<void>((resolve) => this.#waiting[request.order ?? 'last'].push(resolve));
    const tokens = batch.ids.length;
    this.now += (tokens * 1_000) / (RATE * this.share);
    for (let i = 0; i < batchSize(batch); i++) {
      const from = batch.offsets[i] ?? 0;
      this.done.push({
        client: (batch.ids[from] ?? 0) - FIRST_ID,
        tokens: (batch.offsets[i + 1] ?? 0) - from,
        at: this.now,
      });
    }
    return super.run(batch, request);
  }
  /** Batches that it was given and has not computed. */
  get waiting(): number {
    return this.#waiting.first.length + this.#waiting.last.length;
  }
  /** Computes the next batch. @returns whether there was one. */
  async step(): Promise<boolean> {
    await turn();
    const next = this.#waiting.first.shift() ?? this.#waiting.last.shift();
    next?.();
    await turn();
    return next !== undefined;
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const FIRST_ID = 40;

function start(maxQueueSeconds = 10) {
  const machine = new Machine({ space: fakeSpace('machine', { maxTokens: 512 }) });
  const batches: BatchTiming[] = [];
  const scheduler = new Scheduler({
    backend: machine,
    batchTokens: 4_096,
    maxQueueSeconds: { interactive: maxQueueSeconds, bulk: maxQueueSeconds },
    concurrency: 2,
    onBatch: (batch) => batches.push(batch),
    now: () => machine.now,
  });
  /** Texts whose first id names the client. */
  const call = (
    client: number,
    texts: number,
    tokens: number,
    lane: Lane,
    signal?: AbortSignal,
  ): Promise<{ readonly at: number }> =>
    scheduler
      .run({
        texts: Array.from({ length: texts }, () => new Int32Array(tokens).fill(FIRST_ID + client)),
        heads: ['dense'],
        promptTokens: 0,
        lane,
        client: String(client),
        signal,
      })
      .then(() => ({ at: machine.now }));
  const drain = async (): Promise<void> => {
    while (await machine.step());
  };
  /** The speed is known from here on. */
  const warm = async (): Promise<void> => {
    const first = call(0, 10, 100, 'bulk');
    await drain();
    await first;
    machine.done.splice(0);
    batches.splice(0);
  };
  return { machine, scheduler, batches, call, drain, warm };
}

describe('a scheduler', () => {
  it('makes batches that take a tenth of a second, by the speed that it measures', async () => {
    const { batches, call, drain, warm } = start();
    await warm();
    const all = call(1, 1_000, 20, 'bulk');
    await drain();
    await all;
    expect(batches.length).toBe(20);
    for (const { milliseconds } of batches) expect(milliseconds).toBeCloseTo(100, 6);
  });

  it('puts texts that come one by one while a batch is computed into one batch, however few they are', async () => {
    const { batches, call, drain, warm } = start();
    await warm();
    const calls = [];
    for (let client = 1; client <= 6; client++) {
      calls.push(call(client, 1, 10, 'interactive'));
      await turn();
    }
    await drain();
    await Promise.all(calls);
    expect(batches.map(({ texts }) => texts)).toEqual([1, 5]);
  });

  it('makes a batch beside the one under way once enough waits for it, so that the backend has the next one in hand', async () => {
    const { machine, call, drain, warm } = start();
    await warm();
    const calls = [];
    for (let client = 1; client <= 30; client++) {
      calls.push(call(client, 1, 10, 'interactive'));
      await turn();
      expect(machine.waiting).toBe(client < 27 ? 1 : 2);
    }
    await drain();
    await Promise.all(calls);
  });

  it('lets a single text wait for no more than the batch under way, whatever bulk work there is', async () => {
    const { machine, call, drain, warm } = start(1_000);
    await warm();
    for (const client of [1, 2, 3, 4]) void call(client, 2_048, 100, 'bulk');
    for (let i = 0; i < 20; i++) {
      for (let batch = 0; batch < 3; batch++) await machine.step();
      const asked = machine.now;
      const single = call(9, 1, 10, 'interactive');
      await machine.step();
      await machine.step();
      expect((await single).at - asked).toBeLessThanOrEqual(102);
    }
    await drain();
  });

  it('gives bulk work a fifth of the time where interactive work never ends', async () => {
    const { machine, call, drain, warm } = start(1_000);
    await warm();
    void call(1, 4_000, 50, 'bulk');
    const calls = Array.from({ length: 4_000 }, (_, i) => call(2 + (i % 3), 1, 50, 'interactive'));
    for (let batch = 0; batch < 100; batch++) await machine.step();
    const bulk = machine.done.filter(({ client }) => client === 1).length / machine.done.length;
    expect(bulk).toBeGreaterThan(0.15);
    expect(bulk).toBeLessThan(0.25);
    await drain();
    await Promise.all(calls);
  });

  it('gives every client of a lane the same, one with many calls too', async () => {
    const { machine, call, drain, warm } = start(1_000);
    await warm();
    void call(1, 2_000, 100, 'bulk');
    void call(2, 2_000, 100, 'bulk');
    for (let i = 0; i < 40; i++) void call(3, 50, 100, 'bulk');
    for (let batch = 0; batch < 60; batch++) await machine.step();
    const given = [1, 2, 3].map((client) => machine.done.filter((text) => text.client === client).length);
    expect(Math.max(...given) - Math.min(...given)).toBeLessThanOrEqual(20);
    await drain();
  });

  it('refuses at once what would wait longer than the limit, and says when it would not', async () => {
    const { machine, call, drain, warm } = start(10);
    await warm();
    const accepted: Promise<{ readonly at: number }>[] = [];
    const refused: unknown[] = [];
    const began = machine.now;
    // 2,000 texts of 100 tokens are 20 s of work; four fifths of the speed is what is promised.
    for (let i = 0; i < 2_000; i++) {
      const outcome = call(1, 1, 100, 'interactive');
      accepted.push(outcome);
      outcome.catch((error: unknown) => refused.push(error));
    }
    await turn();
    const left = Date.now();
    expect(refused.length).toBe(1_200 - 1);
    for (const error of refused) {
      expect(error).toBeInstanceOf(QueueFullError);
      expect(error).toMatchObject({ code: 'QUEUE_FULL', limit: 10 });
    }
    const { waiting, retryAt } = refused[0] as QueueFullError;
    expect(waiting).toBeCloseTo(10.0125, 4);
    expect(retryAt - left).toBeLessThanOrEqual(14);
    await drain();
    const ends = (await Promise.allSettled(accepted)).flatMap((end) =>
      end.status === 'fulfilled' ? end.value.at : [],
    );
    expect(Math.max(...ends) - began).toBeLessThanOrEqual(10_200);
    // Nothing waits: the next call is let in.
    const next = call(1, 1, 100, 'interactive');
    await drain();
    await next;
  });

  it('refuses a second large call at once, of any client, and lets small ones in', async () => {
    const { call, drain, warm } = start(10);
    await warm();
    // 1,638,400 tokens: 164 s.
    const large = call(1, 8_192, 200, 'bulk');
    await turn();
    const others = [call(3, 9, 20, 'bulk'), call(1, 9, 20, 'bulk'), call(1, 1, 20, 'interactive')];
    await turn();
    for (const client of [1, 2]) {
      const refused = await rejection(() => call(client, 8_192, 200, 'bulk'));
      const { retryAt } = refused as QueueFullError;
      // Until there is no more before it than it may wait for.
      expect((retryAt - Date.now()) / 1_000).toBeGreaterThan(150);
    }
    await drain();
    await Promise.all([large, ...others]);
  });

  it.each([
    ['one client', 1],
    ['three', 3],
  ])('answers what it accepts within its limit and its own work: large calls of %s', async (_who, clients) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            client: fc.integer({ min: 1, max: clients }),
            // From one to some twenty seconds.
            texts: fc.integer({ min: 100, max: 2_048 }),
            pauseBatches: fc.integer({ min: 0, max: 60 }),
          }),
          { minLength: 4, maxLength: 14 },
        ),
        async (arrivals) => {
          const limit = 5;
          const { machine, call, drain, warm } = start(limit);
          await warm();
          const ends: Promise<{ readonly late: number } | 'refused'>[] = [];
          for (const { client, texts, pauseBatches } of arrivals) {
            for (let batch = 0; batch < pauseBatches; batch++) await machine.step();
            const asked = machine.now;
            const own = (texts * 100 * 1_000) / RATE;
            ends.push(
              call(client, texts, 100, 'bulk').then(
                ({ at }) => ({ late: at - asked - own - limit * 1_000 }),
                (error: unknown) => {
                  expect(error).toBeInstanceOf(QueueFullError);
                  return 'refused';
                },
              ),
            );
            await turn();
          }
          await drain();
          // Of what is promised beside that, own work is at four fifths of the speed; two batches were under way.
          for (const [index, end] of (await Promise.all(ends)).entries()) {
            const own = ((arrivals[index]?.texts ?? 0) * 100 * 1_000) / RATE;
            if (end !== 'refused') expect(end.late).toBeLessThanOrEqual(own / 4 + 200);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('answers what it accepts in time where refusing a flood of calls takes a third of the machine', async () => {
    const limit = 5;
    const { machine, call, drain, warm } = start(limit);
    await warm();
    machine.share = 0.65;
    const waits: number[] = [];
    const [flood, began] = [5, machine.now];
    let [sent, refused] = [0, 0];
    while (machine.now - began < 15_000) {
      // Calls of 100 tokens, of which the whole machine does 100 in a second.
      for (; sent <= ((machine.now - began) / 1_000) * 100 * flood; sent++) {
        const asked = machine.now;
        void call(1, 1, 100, 'interactive').then(
          ({ at }) => waits.push(at - asked),
          () => refused++,
        );
      }
      await machine.step();
    }
    await drain();
    waits.sort((a, b) => a - b);
    expect(refused).toBeGreaterThan(5_000);
    expect(waits[Math.floor(waits.length * 0.95)]).toBeLessThan((limit + 1) * 1_000);
    // The limit is used, too: the server is not idle for it.
    expect(waits[Math.floor(waits.length * 0.5)]).toBeGreaterThan(0.7 * limit * 1_000);
  });

  it('frees what a caller who gives up had waiting', async () => {
    const { scheduler, call, drain, warm } = start(10);
    await warm();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const fill = (calls: number) =>
      Array.from({ length: calls }, () => call(1, 1, 100, 'interactive', controller.signal));
    // Two batches of ten are under way, the rest waits.
    const first = Promise.allSettled(fill(801));
    await turn();
    const gone = Promise.all([first, Promise.allSettled(fill(20))]);
    expect(await rejection(() => call(1, 1, 100, 'interactive'))).toBeInstanceOf(QueueFullError);
    expect(scheduler.waitSeconds('interactive')).toBeGreaterThan(0.05);
    controller.abort(new Error('gone'));
    for (const outcome of (await gone).flat()) expect(outcome).toMatchObject({ reason: { message: 'gone' } });
    expect([scheduler.waiting('interactive'), scheduler.waitSeconds('interactive')]).toEqual([0, 0]);
    const next = call(1, 1, 100, 'interactive');
    await drain();
    await next;
  });
});
