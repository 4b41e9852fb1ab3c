import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BackendLimitError, ClosedError, InvalidTokenBatchError, SpaceMismatchError, tokenBatch } from '@kimera/core';
import { exact, FakeBackend, fakeSpace, inferenceBackendConformance, rejection } from '@kimera/testing';
import fc from 'fast-check';
import { NoBackendError } from '../errors.js';
import type { FallbackEvent } from './backend-step.js';
import { batch, chain, DENSE, Machine, space, story } from './machine.fixture.js';

inferenceBackendConformance(
  { describe, it, beforeAll, afterAll, expect },
  {
    name: 'a chain whose first step does not open',
    open: async () => {
      const native = new Machine('native');
      native.opens = false;
      const backend = chain([native, new Machine('wasm')]);
      await backend.start();
      return backend;
    },
    texts: [Int32Array.of(1, 2), Int32Array.of(1, 2, 3), Int32Array.of(4)],
    vocabularySize: new FakeBackend().vocabularySize,
    tolerance: exact,
  },
);

describe('FallbackBackend', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('serves by the first step that opens, and says that it is degraded', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm', 'int8')];
    native.opens = false;
    const events: FallbackEvent[] = [];
    const backend = chain([native, wasm], events);
    await backend.start();
    expect(await backend.run(batch, DENSE)).toMatchObject({ variant: 'int8' });
    expect([backend.name, backend.variant.name]).toEqual(['wasm', 'int8']);
    expect(backend.status).toMatchObject({
      degraded: true,
      changes: 0,
      steps: [
        { name: 'native', state: 'out', reason: 'native does not open' },
        { name: 'wasm', state: 'serving' },
      ],
    });
    expect(story(events)).toEqual(['native out', 'wasm serving']);
    await backend.close();
  });

  it('answers every call by the next step when one fails, opens the circuit after three, and returns after a trial', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const events: FallbackEvent[] = [];
    const backend = chain([native, wasm], events);
    await backend.start();
    expect(backend.status.degraded).toBe(false);
    native.works = false;
    for (let i = 0; i < 4; i++) expect((await backend.run(batch, DENSE)).dense?.length).toBe(space.dimension);
    expect(native.closed).toEqual(['native 1']);
    expect(backend.status).toMatchObject({
      degraded: true,
      changes: 1,
      steps: [{ state: 'out', reason: 'native died', failures: 3 }, { state: 'serving' }],
    });
    native.opens = false;
    await jest.advanceTimersByTimeAsync(1_000);
    // The trial failed: the next one comes after twice the pause.
    native.opens = true;
    native.works = true;
    await jest.advanceTimersByTimeAsync(1_999);
    expect(backend.name).toBe('wasm');
    await jest.advanceTimersByTimeAsync(1);
    expect([backend.name, backend.status.degraded, backend.status.changes]).toEqual(['native', false, 2]);
    await backend.run(batch, DENSE);
    expect(wasm.closed).toEqual(['wasm 1']);
    expect(story(events)).toEqual([
      'native serving',
      'native failed 1',
      'native failed 2',
      'native failed 3',
      'native out',
      'wasm serving',
      'native out',
      'native serving',
    ]);
    await backend.close();
  });

  it('lets a step that failed its first call after a trial out at once, for longer', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    native.works = false;
    for (let i = 0; i < 3; i++) await backend.run(batch, DENSE);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(backend.name).toBe('native');
    await backend.run(batch, DENSE);
    expect(backend.status.steps[0]).toMatchObject({ state: 'out', failures: 4, retryAt: Date.now() + 2_000 });
    await backend.close();
  });

  it('forgets failures that did not come in a row', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    for (const works of [false, false, true, false, false, true]) {
      native.works = works;
      await backend.run(batch, DENSE);
    }
    expect(backend.status).toMatchObject({
      degraded: false,
      steps: [{ state: 'serving', failures: 4 }, { state: 'standby' }],
    });
    await backend.close();
  });

  it('never serves a backend of another space, neither at the start nor after a trial', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    native.serves = fakeSpace('another');
    const backend = chain([native, wasm]);
    await backend.start();
    expect(native.closed).toEqual(['native 1']);
    expect(backend.status.steps[0]?.reason).toContain('expected vectors of space');
    await jest.advanceTimersByTimeAsync(1_000);
    expect([native.opened, backend.name]).toEqual([2, 'wasm']);
    await expect(chain([native]).start()).rejects.toBeInstanceOf(SpaceMismatchError);
    await backend.close();
  });

  it('refuses with the reason of each step where none works, and serves again when one does', async () => {
    const machines = [new Machine('native'), new Machine('wasm')];
    for (const machine of machines) machine.opens = false;
    const backend = chain(machines);
    await expect(backend.start()).rejects.toMatchObject({
      code: 'NO_BACKEND',
      fields: { space: space.fingerprint, reasons: ['native: native does not open', 'wasm: wasm does not open'] },
    });
    const refused = await rejection(() => backend.run(batch, DENSE));
    expect(refused).toBeInstanceOf(NoBackendError);
    expect(refused).toMatchObject({ retryAt: Date.now() + 1_000, fields: { retryAt: Date.now() + 1_000 } });
    expect([backend.name, backend.status.degraded]).toEqual(['none', true]);
    machines.forEach((machine) => (machine.opens = true));
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await backend.run(batch, DENSE)).dense?.length).toBe(space.dimension);
    expect(backend.name).toBe('native');
    await backend.close();
  });

  it('lets a batch that is beyond one step go on to the next, and keeps the step', async () => {
    class TooLong extends BackendLimitError {
      readonly code = 'TOO_LONG';
      readonly kind = 'caller';
    }
    const [wasm, other] = [new Machine('wasm'), new Machine('other')];
    wasm.failure = new TooLong('too long');
    const backend = chain([wasm, other]);
    await backend.start();
    for (let i = 0; i < 5; i++) expect((await backend.run(batch, DENSE)).dense?.length).toBe(space.dimension);
    expect(backend.status).toMatchObject({
      degraded: false,
      steps: [{ state: 'serving', failures: 0 }, { state: 'standby' }],
    });
    other.failure = new TooLong('too long');
    await expect(backend.run(batch, DENSE)).rejects.toMatchObject({ code: 'TOO_LONG' });
    other.failure = new Error('died');
    await expect(backend.run(batch, DENSE)).rejects.toMatchObject({
      code: 'NO_BACKEND',
      reasons: ['wasm: too long', 'other: died'],
      retryAt: undefined,
    });
    await backend.close();
  });

  it("hands the caller's errors on, which say nothing about a step", async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    for (let i = 0; i < 5; i++)
      await expect(backend.run(tokenBatch([[]]), DENSE)).rejects.toBeInstanceOf(InvalidTokenBatchError);
    expect([wasm.opened, backend.status.steps[0]?.failures]).toEqual([0, 0]);
    await backend.close();
  });

  it('closes once, stops its trials, and refuses calls from then on', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    native.opens = false;
    const backend = chain([native, wasm]);
    await backend.start();
    const running = backend.run(batch, DENSE);
    await Promise.all([backend.close(), backend.close()]);
    await running.catch((error: unknown) => expect(error).toBeInstanceOf(ClosedError));
    await expect(backend.run(batch, DENSE)).rejects.toBeInstanceOf(ClosedError);
    native.opens = true;
    await jest.advanceTimersByTimeAsync(10_000);
    expect([native.opened, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('closes a backend that is still being opened when the one before it comes back', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    let opened = (): void => undefined;
    wasm.gate = new Promise((resolve) => (opened = resolve));
    native.works = false;
    const calls = [1, 2, 3, 4].map(() => backend.run(batch, DENSE));
    await jest.advanceTimersByTimeAsync(0);
    expect(backend.status.steps.map(({ state }) => state)).toEqual(['out', 'standby']);
    native.works = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(backend.name).toBe('native');
    opened();
    for (const output of await Promise.all(calls)) expect(output.dense?.length).toBe(space.dimension);
    await jest.advanceTimersByTimeAsync(0);
    expect([wasm.opened, wasm.closed]).toEqual([1, ['wasm 1']]);
    await backend.close();
  });

  it('lets a step go that stood in for one call, after a minute', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    native.works = false;
    await backend.run(batch, DENSE);
    native.works = true;
    await jest.advanceTimersByTimeAsync(59_000);
    expect([wasm.opened, wasm.closed]).toEqual([1, []]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(wasm.closed).toEqual(['wasm 1']);
    expect((await backend.run(batch, DENSE)).dense?.length).toBe(space.dimension);
    await backend.close();
  });

  it('says nothing and tries nothing after it was closed during a trial', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    native.opens = false;
    const events: FallbackEvent[] = [];
    const backend = chain([native, wasm], events);
    await backend.start();
    let opened = (): void => undefined;
    native.opens = true;
    native.gate = new Promise((resolve) => (opened = resolve));
    await jest.advanceTimersByTimeAsync(1_000);
    const before = events.length;
    const closing = backend.close();
    opened();
    await closing;
    await jest.advanceTimersByTimeAsync(20_000);
    expect([events.length, jest.getTimerCount(), native.closed, wasm.closed]).toEqual([
      before,
      0,
      ['native 1'],
      ['wasm 1'],
    ]);
  });

  it('goes on where a backend does not close well, and waits for those that were let go', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    native.closes = () => Promise.reject(new Error('does not close'));
    const backend = chain([native, wasm]);
    await backend.start();
    native.works = false;
    for (let i = 0; i < 3; i++) await backend.run(batch, DENSE);
    await jest.advanceTimersByTimeAsync(0);
    expect(backend.name).toBe('wasm');
    let done = (): void => undefined;
    wasm.closes = () => new Promise((resolve) => (done = resolve));
    let closed = false;
    const closing = backend.close().then(() => (closed = true));
    await jest.advanceTimersByTimeAsync(0);
    expect(closed).toBe(false);
    done();
    await closing;
  });

  it('passes over a step that neither opens nor fails, and closes what opens too late', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    let opened = (): void => undefined;
    native.gate = new Promise((resolve) => (opened = resolve));
    const backend = chain([native, wasm]);
    const starting = backend.start();
    await jest.advanceTimersByTimeAsync(300_000);
    await starting;
    expect(backend.status).toMatchObject({
      degraded: true,
      steps: [{ state: 'out', reason: 'backend native did not open within 300 s' }, { state: 'serving' }],
    });
    opened();
    await jest.advanceTimersByTimeAsync(0);
    expect(native.closed).toEqual(['native 1']);
    await backend.close();
  });

  it('does not count what fails on a backend that was let go against the one in its place', async () => {
    const [native, wasm] = [new Machine('native'), new Machine('wasm')];
    const backend = chain([native, wasm]);
    await backend.start();
    let fails = (): void => undefined;
    native.held = new Promise((_resolve, reject) => (fails = () => reject(new Error('late'))));
    const late = backend.run(batch, DENSE);
    await jest.advanceTimersByTimeAsync(0);
    native.held = undefined;
    native.works = false;
    for (let i = 0; i < 3; i++) await backend.run(batch, DENSE);
    native.works = true;
    await jest.advanceTimersByTimeAsync(1_000);
    fails();
    expect((await late).dense?.length).toBe(space.dimension);
    expect(backend.status).toMatchObject({ degraded: false, steps: [{ state: 'serving' }, {}] });
    await backend.close();
  });

  it('loses no call, whatever breaks and is mended while calls run, as long as one step works', async () => {
    const moment = fc.record({
      native: fc.boolean(),
      opens: fc.boolean(),
      wait: fc.constantFrom(0, 1, 500, 1_000, 4_000),
      calls: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 12 }), async (moments) => {
        const [native, wasm] = [new Machine('native'), new Machine('wasm')];
        const backend = chain([native, wasm]);
        await backend.start();
        const calls: Promise<unknown>[] = [];
        for (const { native: works, opens, wait, calls: count } of moments) {
          native.works = works;
          native.opens = opens;
          for (let i = 0; i < count; i++) calls.push(backend.run(batch, DENSE));
          await jest.advanceTimersByTimeAsync(wait);
        }
        expect((await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')).toEqual([]);
        native.works = native.opens = true;
        await jest.advanceTimersByTimeAsync(8_000);
        expect((await backend.run(batch, DENSE)).dense?.length).toBe(space.dimension);
        expect(backend.name).toBe('native');
        await backend.close();
        expect(native.closed.length + wasm.closed.length).toBe(native.opened + wasm.opened);
      }),
      { numRuns: 100 },
    );
  });
});
