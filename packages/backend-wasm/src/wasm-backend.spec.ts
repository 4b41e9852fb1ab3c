import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClosedError, maxAbsDifference, ProbeMismatchError, tokenBatch } from '@kimera/core';
import { decodeVector, openModelFolder, spaceFileSchema, type ModelFolder, type SpaceFile } from '@kimera/model-folder';
import {
  faultyWorker,
  float32,
  float32Runtime,
  fp16Weights,
  type HeldWebAssembly,
  holdWebAssembly,
  inferenceBackendConformance,
  rejection,
  vectorDifference,
  worstDifference,
} from '@kimera/testing';
import { openWasmBackend, WasmMemoryError, type WasmBackend } from './index.js';
import { WASM_WORKER } from './workers.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const runner = { describe, it, beforeAll, afterAll, expect };
const dense = { heads: ['dense'] } as const;
const at = (path: string): Promise<ModelFolder> => openModelFolder(join(root, path));
let runtime: HeldWebAssembly;
beforeAll(async () => {
  runtime = await holdWebAssembly(join(dirname(require.resolve('onnxruntime-web')), 'ort-wasm-simd-threaded.wasm'));
});
afterAll(() => runtime.release());
const open = async (path: string): Promise<WasmBackend> => openWasmBackend({ folder: await at(path), threads: 1 });

for (const path of ['models/all-MiniLM-L6-v2', 'fixtures/models/bge-m3-tiny']) {
  const file = spaceFileSchema.parse(JSON.parse(readFileSync(join(root, path, 'space.json'), 'utf8')));
  inferenceBackendConformance(runner, {
    name: path,
    open: () => open(path),
    texts: file.probes.slice(0, 4).map(({ ids }) => Int32Array.from(ids)),
    vocabularySize: file.architecture.vocabularySize,
    tolerance: float32,
  });
}

describe('all heads of bge-m3-tiny, and a worker that dies', () => {
  const faulty = faultyWorker(WASM_WORKER);
  let backend: WasmBackend;
  let folder: ModelFolder;
  beforeAll(async () => {
    folder = await at('fixtures/models/bge-m3-tiny');
    backend = await openWasmBackend({ folder, threads: 1, worker: faulty.url });
  });
  afterAll(async () => {
    await backend.close();
    faulty.remove();
  });

  it('are those of the float64 forward pass, all from one run', async () => {
    const output = await backend.run(tokenBatch(folder.probes.map(({ ids }) => ids)), {
      heads: ['dense', 'sparse', 'colbert'],
    });
    for (const [i, probe] of folder.probes.entries()) {
      expect(maxAbsDifference(output.dense?.subarray(i * 64, (i + 1) * 64) ?? [], probe.dense)).toBeLessThan(
        float32Runtime.maxAbs,
      );
      expect(maxAbsDifference(output.colbert?.[i] ?? [], probe.colbert ?? [NaN])).toBeLessThan(float32Runtime.maxAbs);
      const weights = output.sparse?.[i] ?? new Map<number, number>();
      expect([...weights.keys()].toSorted()).toEqual([...(probe.sparse?.keys() ?? [NaN])].toSorted());
      for (const [id, weight] of probe.sparse ?? [])
        expect(Math.abs((weights.get(id) ?? 0) - weight)).toBeLessThan(float32Runtime.maxAbs);
    }
  });

  it('is replaced, and its batch is answered with the same vectors', async () => {
    const texts = tokenBatch(folder.probes.map(({ ids }) => ids));
    const { dense: expected = [] } = await backend.run(texts, dense);
    faulty.dieUnder(1);
    const { dense: actual = [] } = await backend.run(texts, dense);
    expect(backend.workerDeaths).toBe(1);
    expect(maxAbsDifference(actual, expected)).toBeLessThan(float32.maxAbs);
  });

  it('leaves the caller’s thread free, and is ended in the middle of a run when it is closed', async () => {
    const longest = tokenBatch(Array.from({ length: 8 }, (_, i) => new Int32Array(folder.space.maxTokens).fill(5 + i)));
    const late = rejection(() => backend.run(longest, dense));
    await turnsOfTheEventLoop(50);
    await backend.close();
    // A run that had kept this thread busy would have ended before, with its vectors.
    expect(await late).toBeInstanceOf(ClosedError);
  });
});

describe('variants', () => {
  const tooLarge = 5_000_000_000;
  let folder: ModelFolder;
  beforeAll(async () => {
    folder = await at('fixtures/models/bert-tiny-int8');
  });
  /** The folder as if its float32 weights had 5 GB. */
  const large = (change: (file: SpaceFile) => SpaceFile = (file) => file): ModelFolder => {
    const { [`onnx/model.onnx_data`]: weights, ...files } = folder.file.files;
    if (weights === undefined) throw new Error('no weights');
    return {
      ...folder,
      file: change({ ...folder.file, files: { ...files, 'onnx/model.onnx_data': { ...weights, bytes: tooLarge } } }),
    };
  };

  it('of 8 bits serves the space, with its own vectors, where the full one does not fit', async () => {
    const backend = await openWasmBackend({ folder: large(), threads: 1 });
    expect(backend.variant.name).toBe('int8');
    expect(backend.space.fingerprint).toBe(folder.space.fingerprint);
    await backend.close();
  });

  it('is refused with both sizes where it was asked for and does not fit', async () => {
    const refusal = await rejection(() => openWasmBackend({ folder: large(), variant: 'fp32' }));
    expect(refusal).toBeInstanceOf(WasmMemoryError);
    expect(refusal).toMatchObject({
      code: 'WASM_MEMORY',
      variant: 'fp32',
      limit: 4_294_967_296,
      message: expect.stringMatching(/5753 MB.*4295 MB/),
    });
    await expect(openWasmBackend({ folder, variant: 'q4' })).rejects.toMatchObject({ code: 'UNKNOWN_VARIANT' });
  });

  it('is refused where no other fits, or the other does not hold', async () => {
    const alone = large((file) => ({ ...file, variants: file.variants.slice(0, 1) }));
    const nothingElse = await rejection(() => openWasmBackend({ folder: alone }));
    expect(nothingElse).toMatchObject({ code: 'WASM_MEMORY' });
    expect(nothingElse).not.toHaveProperty('cause');
    const impostor = await at('fixtures/models/bert-tiny-prompts');
    const wrong = { ...large(), probes: impostor.probes };
    const refusal = await rejection(() => openWasmBackend({ folder: wrong, threads: 1 }));
    expect(refusal).toMatchObject({ code: 'WASM_MEMORY', variant: 'fp32' });
    expect(refusal).toHaveProperty('cause', expect.any(ProbeMismatchError));
  });
});

describe('refusals at loading', () => {
  let scratch = '';
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kimera-wasm-'));
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));
  const copyOf = async (path: string): Promise<string> => {
    const copy = join(scratch, path);
    await cp(join(root, path), copy, { recursive: true });
    return copy;
  };

  it('name truncated weights', async () => {
    const copy = await copyOf('fixtures/models/bert-tiny-int8');
    const folder = await openModelFolder(copy);
    await truncate(join(copy, 'onnx/model.onnx_data'), 1_000);
    await expect(openWasmBackend({ folder })).rejects.toMatchObject({
      code: 'MODEL_LOAD',
      path: join(copy, 'onnx/model_fast.onnx'),
    });
  });

  it('say where products of 8 bits saturate; WebAssembly’s do not', async () => {
    const copy = await copyOf('fixtures/models/bert-tiny-prompts');
    const folder = await openModelFolder(copy);
    const [base] = folder.file.variants;
    if (base === undefined) throw new Error('no variant');
    const withSelfTest: ModelFolder = {
      ...folder,
      file: {
        ...folder.file,
        variants: [{ ...base, graphs: { ...base.graphs, selfTest: 'onnx/int8_self_test.onnx' } }],
      },
    };
    const graph = await readFile(join(root, 'fixtures/models/int8_self_test.onnx'));
    await writeFile(join(copy, 'onnx/int8_self_test.onnx'), graph);
    const backend = await openWasmBackend({ folder: withSelfTest, threads: 1 });
    // The same text with and without its prompt in the pooling, in one batch.
    const probe = folder.probes.find(({ promptTokens }) => promptTokens > 1);
    if (probe === undefined) throw new Error('no probe with a prompt');
    const { dense: vectors = new Float32Array() } = await backend.run(
      { ...tokenBatch([probe.ids, probe.ids]), promptTokens: Int32Array.of(probe.promptTokens, 0) },
      dense,
    );
    await backend.close();
    expect(maxAbsDifference(vectors.subarray(0, probe.dense.length), probe.dense)).toBeLessThan(float32Runtime.maxAbs);
    expect(maxAbsDifference(vectors.subarray(probe.dense.length), probe.dense)).toBeGreaterThan(0.01);
    // Another number that the product must be: as good as another product.
    const right = Buffer.from(Float32Array.of(64 * 127 * 127).buffer);
    graph.writeFloatLE(1, graph.indexOf(right));
    await writeFile(join(copy, 'onnx/int8_self_test.onnx'), graph);
    await expect(openWasmBackend({ folder: withSelfTest, threads: 1 })).rejects.toMatchObject({
      code: 'INT8_SATURATION',
      name: 'Int8SaturationError',
    });
  });
});

describe('a process without native packages', () => {
  it('serves sentence-transformers’ vectors with two threads, loads no addon, and ends by itself', async () => {
    const here = fileURLToPath(new URL('.', import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        join(here, '../dist/serve-once.fixture.js'),
        join(root, 'models/all-MiniLM-L6-v2'),
        join(root, 'fixtures/minilm/expected.json'),
      ],
      {
        env: {
          ...process.env,
          NODE_OPTIONS: `--import=${pathToFileURL(join(here, 'without-native.fixture.mjs')).href}`,
        },
        timeout: 50_000,
      },
    );
    const printed: unknown = JSON.parse(stdout);
    const { addons, expected, vectors } = printed as Readonly<Record<string, readonly string[]>>;
    expect(addons).toEqual([]);
    expect(expected).toHaveLength(40);
    expect(vectors).toHaveLength(40);
    // Float16 weights against sentence-transformers’ float32.
    const worst = worstDifference(
      (expected ?? []).map((embedding, i) =>
        vectorDifference(decodeVector(vectors?.[i] ?? ''), decodeVector(embedding)),
      ),
    );
    expect(worst.cosine).toBeGreaterThan(fp16Weights.minCosine);
    expect(worst.maxAbs).toBeLessThan(fp16Weights.maxAbs);
    expect(worst.norm).toBeLessThan(fp16Weights.norm);
  });
});

/** Resolves when a timer of a millisecond has fired so many times. */
function turnsOfTheEventLoop(count: number): Promise<void> {
  return new Promise((resolve) => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      if (turns < count) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}
