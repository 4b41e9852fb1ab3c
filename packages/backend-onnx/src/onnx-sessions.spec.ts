import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxAbsDifference, tokenBatch } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { float32, inferenceBackendConformance } from '@kimera/testing';
import { openOnnxBackend, type OnnxBackend } from './index.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const TINY = join(root, 'fixtures/models/bge-m3-tiny');
const THREADS = 4;
const texts = Array.from({ length: 40 }, (_, i) =>
  Int32Array.from({ length: 3 + ((i * 7) % 30) }, (_, j) => 5 + ((i + j) % 50)),
);

let cache = '';
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'kimera-sessions-'));
});
afterAll(() => rm(cache, { recursive: true }));

/** Waits until its sessions side by side serve. */
async function open(): Promise<OnnxBackend> {
  const backend = await openOnnxBackend({
    folder: await openModelFolder(TINY),
    intraOpThreads: THREADS,
    packedWeights: { cache, afterMilliseconds: 0 },
  });
  while (!backend.isSideBySide) await new Promise((resolve) => setTimeout(resolve, 10));
  return backend;
}

inferenceBackendConformance(
  { describe, it, beforeAll, afterAll, expect },
  {
    name: 'sessions by load',
    open,
    texts: texts.slice(0, 8),
    vocabularySize: 2_000,
    tolerance: float32,
  },
);

describe('sessions by load', () => {
  it('give each text the same vector alone, among few and among many', async () => {
    const backend = await open();
    const dimension = backend.space.dimension;
    const vectors = async (ids: readonly Int32Array[]): Promise<Float32Array> => {
      const { dense = new Float32Array() } = await backend.run(tokenBatch(ids), { heads: ['dense'] });
      return dense;
    };
    const together = await vectors(texts);
    const aside = await Promise.all(texts.map((ids) => vectors([ids])));
    for (const [i, ids] of texts.entries()) {
      const alone = await vectors([ids]);
      expect(maxAbsDifference(together.subarray(i * dimension, (i + 1) * dimension), alone)).toBeLessThan(
        float32.maxAbs,
      );
      expect(maxAbsDifference(aside[i] ?? [], alone)).toBeLessThan(float32.maxAbs);
    }
    await backend.close();
  });

  it('are not there where packed weights are not kept, or a number of workers is asked for', async () => {
    const folder = await openModelFolder(TINY);
    const alone = await openOnnxBackend({ folder, intraOpThreads: THREADS });
    const asked = await openOnnxBackend({ folder, workers: 2, packedWeights: { cache, afterMilliseconds: 0 } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([alone.isSideBySide, asked.isSideBySide]).toEqual([false, false]);
    await Promise.all([alone.close(), asked.close()]);
  });

  it('that cannot be opened are told, and the others serve', async () => {
    const worker = join(cache, 'worker.mjs');
    await writeFile(
      worker,
      `import { workerData } from 'node:worker_threads';
       if (workerData.packed !== undefined) throw new Error('no such session');
       await import(${JSON.stringify(pathToFileURL(join(root, 'packages/backend-onnx/dist/onnx-worker.js')).href)});`,
    );
    let tell: (reason: string) => void = () => undefined;
    const told = new Promise<string>((resolve) => (tell = resolve));
    const backend = await openOnnxBackend({
      folder: await openModelFolder(TINY),
      intraOpThreads: THREADS,
      worker: pathToFileURL(worker),
      packedWeights: {
        cache: join(cache, 'apart'),
        afterMilliseconds: 0,
        onEvent: (event) => {
          if (event.kind === 'unavailable') tell(event.reason);
        },
      },
    });
    expect(await told).toContain('no such session');
    expect(backend.isSideBySide).toBe(false);
    const { dense } = await backend.run(tokenBatch(texts.slice(0, 1)), { heads: ['dense'] });
    expect(dense).toHaveLength(backend.space.dimension);
    await backend.close();
  });
});
