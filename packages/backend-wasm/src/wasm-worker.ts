import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { reasonOf } from '@kimera/core';
import { checkGraph, checkInt8, FastGraph, type RunRequest, ModelLoadError } from '@kimera/fast-graph';
import { serveWorker } from '@kimera/worker-pool';
import * as runtime from 'onnxruntime-web';
import { endingOnTrap } from './node/ending-on-trap.js';
import { openTransformersSession } from './node/transformers-session.js';
import { openWebSession } from './web-session.js';
import type { WorkerData } from './node/worker-data.js';

/** `session.run` blocks its thread: one session a worker. */
void serveWorker(async (data) => {
  const { folder, graph, weights, threads, selfTest, served } = data as WorkerData;
  runtime.env.wasm.numThreads = threads;
  // Where none is set, transformers.js sets that of a content delivery network.
  runtime.env.wasm.wasmPaths = new URL('./', import.meta.resolve('onnxruntime-web')).href;
  if (selfTest !== undefined) {
    const path = join(folder, selfTest);
    const session = await loading(path, async () => openWebSession(runtime, await readFile(path)));
    await checkInt8(session, path);
    await session.release();
  }
  const path = join(folder, graph);
  const session = await loading(path, async () => {
    const externalData = await Promise.all(
      weights.map(async (name) => ({ path: basename(name), data: await readWhole(join(folder, name)) })),
    );
    const config: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    return openTransformersSession({ runtime, folder, graph, config, externalData });
  });
  const fastGraph = new FastGraph(
    endingOnTrap(session, () => process.exit(1)),
    path,
    served.folder.space.heads,
  );
  await checkGraph('wasm', fastGraph, served);
  return async (request) => {
    const response = await fastGraph.runAll(request as readonly RunRequest[]);
    return { response, transfer: response.flatMap((run) => Object.values(run).map(({ buffer }) => buffer)) };
  };
});

/** @throws ModelLoadError. */
async function loading<Session>(path: string, load: () => Promise<Session>): Promise<Session> {
  return load().catch((error: unknown) => {
    throw new ModelLoadError(path, reasonOf(error));
  });
}

/** A file of any size: `readFile` ends at 2 GiB. */
async function readWhole(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 1 << 30), at);
      if (bytesRead === 0) throw new Error(`${path} ended at ${at} of ${size} bytes`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
