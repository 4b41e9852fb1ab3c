import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  maxAbsDifference,
  ProbeMismatchError,
  spaceFingerprint,
  tokenBatch,
  UnnormalizedOutputError,
} from '@kimera/core';
import { decodeVector, openModelFolder, spaceFileSchema, type ModelFolder } from '@kimera/model-folder';
import {
  faultyWorker,
  float32,
  fp16Weights,
  inferenceBackendConformance,
  rejection,
  vectorDifference,
  worstDifference,
} from '@kimera/testing';
import { ModelLoadError, openOnnxBackend, type OnnxBackend } from './index.js';

/** What the threads run, as built. */
const ONNX_WORKER = new URL('../dist/onnx-worker.js', import.meta.url);
const root = join(fileURLToPath(import.meta.url), '../../../..');
const runner = { describe, it, beforeAll, afterAll, expect };

interface Golden {
  readonly text: string;
  readonly input_ids: readonly number[];
  readonly embedding: string;
}
/** A file of goldens, which are our own: their shape is known. */
const casesOf = (path: string): readonly unknown[] => {
  const value: unknown = JSON.parse(readFileSync(join(root, 'fixtures', path), 'utf8'));
  return (value as { readonly cases: readonly unknown[] }).cases;
};
const goldens = casesOf('minilm/expected.json') as readonly Golden[];
const dense = { heads: ['dense'] } as const;

const open = async (path: string): Promise<OnnxBackend> =>
  openOnnxBackend({ folder: await openModelFolder(join(root, path)), workers: 2, intraOpThreads: 1 });
for (const path of [
  'models/all-MiniLM-L6-v2',
  'models/multilingual-e5-small',
  'fixtures/models/bge-m3-tiny',
  'fixtures/models/bert-tiny-prompts',
]) {
  const file = spaceFileSchema.parse(JSON.parse(readFileSync(join(root, path, 'space.json'), 'utf8')));
  inferenceBackendConformance(runner, {
    name: path,
    open: () => open(path),
    texts: file.probes.map(({ ids }) => Int32Array.from(ids)),
    vocabularySize: file.architecture.vocabularySize,
    tolerance: float32,
  });
}

it('an older folder, whose graph tells normalised vectors alone, refuses the others by name and goes on serving', async () => {
  const backend = await open('fixtures/models/bert-tiny-int8');
  const batch = tokenBatch([[2, 7, 8, 3]]);
  const error = await rejection(() => backend.run(batch, { heads: ['dense'], normalize: false }));
  expect(error).toBeInstanceOf(UnnormalizedOutputError);
  expect(error).toMatchObject({
    code: 'UNNORMALIZED_OUTPUT',
    fields: { model: 'fixture/bert-tiny-mean' },
    message: expect.stringContaining('models convert') as unknown,
  });
  expect((await backend.run(batch, dense)).dense).toHaveLength(32);
  await backend.close();
});

it('an older folder, whose graph takes one length a run, gives texts of several lengths what they get alone', async () => {
  const backend = await open('fixtures/models/bert-tiny-int8');
  const texts = [
    [2, 7, 8, 3],
    [2, 3],
    [2, 9, 8, 3],
    [2, 30, 31, 32, 33, 3],
  ];
  const { dense: together = new Float32Array() } = await backend.run(tokenBatch(texts), dense);
  for (const [i, ids] of texts.entries()) {
    const { dense: alone = [] } = await backend.run(tokenBatch([ids]), dense);
    expect(maxAbsDifference(together.subarray(i * 32, (i + 1) * 32), alone)).toBeLessThan(float32.maxAbs);
  }
  await backend.close();
});

describe('MiniLM against sentence-transformers', () => {
  it('has the vectors of 120 texts within what float16 weights lose', async () => {
    const backend = await open('models/all-MiniLM-L6-v2');
    const { dense: vectors = new Float32Array() } = await backend.run(
      tokenBatch(goldens.map(({ input_ids }) => input_ids)),
      dense,
    );
    await backend.close();
    const differences = goldens.map(({ embedding }, i) =>
      vectorDifference(vectors.subarray(i * 384, (i + 1) * 384), decodeVector(embedding)),
    );
    expect(differences.length).toBe(120);
    // Measured: cosine 0.9999991, largest difference 2.5e-4, norm off by 4e-7.
    const worst = worstDifference(differences);
    expect(worst.cosine).toBeGreaterThan(fp16Weights.minCosine);
    expect(worst.maxAbs).toBeLessThan(fp16Weights.maxAbs);
    expect(worst.norm).toBeLessThan(fp16Weights.norm);
  });
});

describe('the heads of bge-m3-tiny against FlagEmbedding', () => {
  interface Case {
    readonly input_ids: readonly number[];
    readonly dense: string;
    readonly lexical_weights: Readonly<Record<string, number>>;
    /** Only of some texts. */
    readonly colbert?: { readonly shape: readonly [number, number]; readonly data: string };
  }
  const cases = casesOf('checkpoints/bge-m3-tiny/expected.json') as readonly Case[];
  // The library against itself in one padded batch: 3.1e-7 dense, 6e-7 lexical, 2.7e-7 ColBERT.
  const limit = 2e-5;

  it('are those of its 29 texts, all from one run', async () => {
    const backend = await open('fixtures/models/bge-m3-tiny');
    const output = await backend.run(tokenBatch(cases.map(({ input_ids }) => input_ids)), {
      heads: ['dense', 'sparse', 'colbert'],
    });
    await backend.close();
    expect([cases.length, cases.filter(({ colbert }) => colbert !== undefined).length]).toEqual([29, 25]);
    for (const [i, { dense: vector, lexical_weights, colbert }] of cases.entries()) {
      expect(maxAbsDifference(output.dense?.subarray(i * 64, (i + 1) * 64) ?? [], decodeVector(vector))).toBeLessThan(
        limit,
      );
      if (colbert !== undefined) {
        expect(output.colbert?.[i]?.length).toBe(colbert.shape[0] * colbert.shape[1]);
        expect(maxAbsDifference(output.colbert?.[i] ?? [], decodeVector(colbert.data))).toBeLessThan(limit);
      }
      const weights = output.sparse?.[i] ?? new Map<number, number>();
      for (const id of new Set([...weights.keys(), ...Object.keys(lexical_weights).map(Number)])) {
        expect(Math.abs((weights.get(id) ?? 0) - (lexical_weights[id] ?? 0))).toBeLessThan(limit);
      }
    }
  });
});

describe('a model that leaves prompts out of its pooling', () => {
  it('is told how many tokens of each text are the prompt’s', async () => {
    const folder = await openModelFolder(join(root, 'fixtures/models/bert-tiny-prompts'));
    const backend = await openOnnxBackend({ folder });
    const probe = folder.probes.find(({ promptTokens }) => promptTokens > 1);
    if (probe === undefined) throw new Error('no probe with a prompt');
    const texts = tokenBatch([probe.ids, probe.ids]);
    const { dense: vectors = new Float32Array() } = await backend.run(
      { ...texts, promptTokens: Int32Array.of(probe.promptTokens, 0) },
      dense,
    );
    await backend.close();
    const dimension = folder.space.dimension;
    expect(maxAbsDifference(vectors.subarray(0, dimension), probe.dense)).toBeLessThan(float32.maxAbs);
    expect(maxAbsDifference(vectors.subarray(dimension), probe.dense)).toBeGreaterThan(0.01);
  });
});

describe('a worker that dies', () => {
  const faulty = faultyWorker(ONNX_WORKER);
  let backend: OnnxBackend;
  beforeAll(async () => {
    const folder = await openModelFolder(join(root, 'models/all-MiniLM-L6-v2'));
    backend = await openOnnxBackend({ folder, worker: faulty.url });
  });
  afterAll(async () => {
    await backend.close();
    faulty.remove();
  });
  const long = tokenBatch(Array.from({ length: 4 }, (_, i) => new Int32Array(200).fill(2003 + i)));

  it('is replaced, and its batch is answered with the same vectors', async () => {
    const { dense: expected = [] } = await backend.run(long, dense);
    faulty.dieUnder(1);
    const { dense: actual = [] } = await backend.run(long, dense);
    expect(backend.workerDeaths).toBe(1);
    expect(maxAbsDifference(actual, expected)).toBeLessThan(float32.maxAbs);
  });

  it('is reported where its replacement dies under the same batch; the next batch is answered', async () => {
    faulty.dieUnder(2);
    expect(await rejection(() => backend.run(tokenBatch([[101, 102]]), dense))).toMatchObject({
      code: 'WORKER_DIED',
      attempts: 2,
    });
    expect(backend.workerDeaths).toBe(3);
    expect((await backend.run(long, dense)).dense?.length).toBe(4 * 384);
  });

  it('lets a batch under way end when it is closed, and refuses it', async () => {
    const late = rejection(() => backend.run(long, dense));
    await backend.close();
    expect(await late).toBeInstanceOf(ClosedError);
  });
});

describe('refusals at loading', () => {
  let scratch = '';
  const model = (): string => join(scratch, 'model');
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kimera-backend-'));
    await cp(join(root, 'models/all-MiniLM-L6-v2'), model(), { recursive: true });
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it('another model under the same dimension and the expected fingerprint is caught by the probes', async () => {
    const impostor = await openModelFolder(join(root, 'models/multilingual-e5-small'));
    const expected = await openModelFolder(model());
    expect(impostor.space.dimension).toBe(expected.space.dimension);
    const stamped: ModelFolder = { ...impostor, space: expected.space, probes: expected.probes };
    await expect(openOnnxBackend({ folder: stamped })).rejects.toBeInstanceOf(ProbeMismatchError);
  });

  it('truncated weights are named', async () => {
    const folder = await openModelFolder(model());
    await truncate(join(model(), 'onnx/model.onnx_data'), 1_000_000);
    await expect(openOnnxBackend({ folder })).rejects.toBeInstanceOf(ModelLoadError);
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'MODEL_FILE_SIZE', actual: 1_000_000 });
    await rm(join(model(), 'onnx/model.onnx_data'));
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'MODEL_FILE_MISSING' });
    await expect(openModelFolder(join(scratch, 'nothing'))).rejects.toMatchObject({ code: 'MODEL_FOLDER_NOT_FOUND' });
  });

  it('the probes run again on a worker that takes the place of one that died: what was changed on the disk never serves', async () => {
    const copy = join(scratch, 'changed');
    await cp(join(root, 'fixtures/models/bge-m3-tiny'), copy, { recursive: true });
    const faulty = faultyWorker(ONNX_WORKER);
    const backend = await openOnnxBackend({
      folder: await openModelFolder(copy),
      intraOpThreads: 1,
      worker: faulty.url,
    });
    const batch = tokenBatch([[0, 5, 6, 2]]);
    const before = await backend.run(batch, dense);
    const weights = await readFile(join(copy, 'onnx/model.onnx_data'));
    const other = new Float32Array(weights.buffer, weights.byteOffset, weights.length / 4).map((value, i) =>
      i % 3 === 0 ? -value : value,
    );
    await writeFile(join(copy, 'other'), Buffer.from(other.buffer));
    await rename(join(copy, 'other'), join(copy, 'onnx/model.onnx_data'));
    faulty.dieUnder(1);
    expect(await rejection(() => backend.run(batch, dense))).toBeInstanceOf(ProbeMismatchError);
    await writeFile(join(copy, 'onnx/model.onnx_data'), weights);
    expect(await backend.run(batch, dense)).toEqual(before);
    await backend.close();
    faulty.remove();
  });

  it('an 8-bit variant is served by its unsigned graph where products of 8 bits saturate, and refused without one', async () => {
    const copy = join(scratch, 'int8');
    await cp(join(root, 'fixtures/models/bge-m3-tiny'), copy, { recursive: true });
    const folder = await openModelFolder(copy);
    const [base] = folder.file.variants;
    if (base === undefined) throw new Error('no variant');
    const [here, none, selfTest] = [base.graphs.fast, 'onnx/none.onnx', 'onnx/int8_self_test.onnx'];
    const graph = await readFile(join(root, 'fixtures/models/int8_self_test.onnx'));
    const open = async (expected: number, graphs: typeof base.graphs): Promise<unknown> => {
      // The number that the product must be: as good as another product beside the right number.
      const right = Buffer.alloc(4);
      right.writeFloatLE(64 * 127 * 127);
      const at = graph.indexOf(right);
      expect(at).toBeGreaterThan(0);
      graph.writeFloatLE(expected, at);
      await writeFile(join(copy, selfTest), graph);
      graph.writeFloatLE(64 * 127 * 127, at);
      const variant = { ...base, name: 'int8' as const, graphs: { ...graphs, selfTest } };
      return openOnnxBackend({ folder: { ...folder, file: { ...folder.file, variants: [variant] } } }).then(
        (backend) => backend.close(),
        (error: unknown) => error,
      );
    };
    const refusal = expect.objectContaining({
      code: 'INT8_SATURATION',
      name: 'Int8SaturationError',
      message: expect.stringContaining('VNNI'),
    });
    // What the product is on this machine: 32 sums of two products cut at 32,767, less the zero point, where it
    // saturates.
    const numbers = [64 * 127 * 127, 32 * 32_767 - 64 * 128 * 127];
    const outcomes: unknown[] = [];
    for (const number of numbers) outcomes.push(await open(number, { fast: here }));
    const holds = outcomes.indexOf(undefined);
    expect(outcomes).toEqual(holds === 0 ? [undefined, refusal] : [refusal, undefined]);
    const [exact = 0, saturated = 0] = holds === 0 ? numbers : numbers.reverse();
    expect(await open(exact, { fast: here, unsigned: none })).toBeUndefined();
    expect(await open(saturated, { fast: none, unsigned: here })).toBeUndefined();
    expect(await open(saturated, { fast: here, unsigned: none })).toMatchObject({ code: 'MODEL_LOAD' });
  });

  it('a graph without a head that space.json promises is named', async () => {
    const folder = await openModelFolder(join(root, 'models/all-MiniLM-L6-v2'));
    const promising: ModelFolder = { ...folder, space: { ...folder.space, heads: ['dense', 'sparse'] } };
    await expect(openOnnxBackend({ folder: promising })).rejects.toMatchObject({
      code: 'MODEL_LOAD',
      message: expect.stringContaining('no sparse'),
    });
  });

  it('space.json that contradicts itself is refused', async () => {
    const path = join(model(), 'space.json');
    const json = spaceFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    const write = (value: unknown): Promise<void> => writeFile(path, JSON.stringify(value));
    await write({ ...json, identity: { ...json.identity, maxTokens: 128 } });
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
    const identity = { ...json.identity, dimension: 512 };
    await write({ ...json, identity, fingerprint: await spaceFingerprint(identity) });
    await expect(openModelFolder(model())).rejects.toMatchObject({
      code: 'INVALID_SPACE_FILE',
      message: expect.stringContaining('probe 0 has 384 numbers'),
    });
    await write({ ...json, files: { '../escape': { bytes: 1, sha256: json.fingerprint } } });
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
    await writeFile(path, '{');
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
  });
});
