import { existsSync, rmSync } from 'node:fs';
import { DimensionMismatchError } from '@kimera/core';
import { serveWorker } from './serve-worker.js';

/**
 * The worker of the specs: echoes, counts in shared memory, fails with a known class, or dies. It opens only while the file that `data` names is
 * there, where it names one.
 */
await serveWorker(async (data, tell) => {
  tell(['opened with', data]);
  if (data === 'broken') throw new DimensionMismatchError(1, 2, 'opening');
  if (typeof data === 'string' && data.startsWith('/') && !existsSync(data))
    throw new DimensionMismatchError(3, 4, 'opening without its file');
  return async (request) => {
    if (request === 'fail') throw new DimensionMismatchError(384, 1024, 'echo');
    if (request === 'die') process.exit(7);
    if (typeof request === 'object' && request !== null && 'dieOnceWith' in request) {
      const file = String(request.dieOnceWith);
      if (existsSync(file)) {
        rmSync(file);
        process.exit(7);
      }
    }
    if (request instanceof Int32Array) {
      Atomics.add(request, 0, 1);
      Atomics.notify(request, 0);
    }
    if (request === 'block') await new Promise((resolve) => setTimeout(resolve, 60_000));
    return { response: [data, request] };
  };
});
