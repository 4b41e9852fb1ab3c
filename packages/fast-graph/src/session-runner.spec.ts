import { expect, it } from '@jest/globals';
import { ClosedError } from '@kimera/core';
import { rejection } from '@kimera/testing';
import { FastGraph } from './fast-graph.js';
import type { GraphSession } from './graph-session.js';
import type { RunRequest } from './run-request.js';
import { SessionRunner } from './session-runner.js';

const run = (id: number): RunRequest => ({
  ids: Int32Array.of(id),
  groups: [{ texts: 1, tokens: 1 }],
  heads: ['dense'],
  promptTokens: Int32Array.of(0),
});

it('a session runs one group at a time, in order; a failure fails its own call; closing waits for what runs, and frees once', async () => {
  const log: string[] = [];
  const session: GraphSession = {
    inputNames: ['input_ids'],
    outputNames: ['dense'],
    run: async ({ input_ids }) => {
      const id = Number(input_ids?.data[0]);
      log.push(`start ${id}`);
      // A turn of the event loop: another group would start here if it could.
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`end ${id}`);
      if (id === 2) throw new Error('two');
      return { dense: { data: Float32Array.of(id) } };
    },
  };
  const runner = new SessionRunner('wasm', new FastGraph(session, 'graph', ['dense']), async () => {
    log.push('released');
  });
  const calls = [1, 2, 3].map((id) => runner.call([run(id)]));
  const closing = [runner.close(), runner.close()];
  expect(await rejection(() => runner.call([run(4)]))).toBeInstanceOf(ClosedError);
  expect(await Promise.allSettled(calls)).toMatchObject([
    { value: [{ dense: Float32Array.of(1) }] },
    { reason: { code: 'INFERENCE', reason: 'two' } },
    { value: [{ dense: Float32Array.of(3) }] },
  ]);
  await Promise.all(closing);
  expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2', 'start 3', 'end 3', 'released']);
});
