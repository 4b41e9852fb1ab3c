import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClosedError, cosine, InvalidTokenBatchError, maxAbsDifference, norm, ProbeMismatchError, spaceFingerprint, tokenBatch, UnsupportedHeadError } from '@kimera/core';
import { decodeVector, openModelFolder, type ModelFolder } from '@kimera/model-folder';
import fc from 'fast-check';
import { equalLengthGroups } from './equal-length-groups.js';
import { ModelLoadError, openOnnxBackend, type OnnxBackend } from './index.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
/** fp32 rounding of different batch shapes (fixtures/minilm/PROVENANCE.md: 2.4e-7 in the original library). */
const CLOSE = 2e-6;

interface Golden {
  readonly text: string;
  readonly input_ids: readonly number[];
  readonly embedding: string;
}
const goldens: readonly Golden[] = JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')).cases;
const dense = { heads: ['dense'] } as const;

describe.each(['all-MiniLM-L6-v2', 'multilingual-e5-small'])('%s', (name) => {
  let folder: ModelFolder;
  let backend: OnnxBackend;
  beforeAll(async () => {
    folder = await openModelFolder(join(root, 'models', name));
    backend = await openOnnxBackend({ folder, workers: 2, intraOpThreads: 1 });
  });
  afterAll(() => backend.close());
  const vector = (all: Float32Array | undefined, row: number): Float32Array => (all ?? new Float32Array()).subarray(row * folder.space.dimension, (row + 1) * folder.space.dimension);

  it('gives a text the same vector alone and among others, in order', async () => {
    const texts = folder.probes.map(({ ids }) => ids);
    const mixed = [...texts, ...texts.toReversed()];
    const together = await backend.run(tokenBatch(mixed), dense);
    for (const [i, ids] of mixed.entries()) {
      const alone = await backend.run(tokenBatch([ids]), dense);
      expect(maxAbsDifference(vector(together.dense, i), alone.dense ?? [])).toBeLessThan(CLOSE);
      expect(Math.abs(norm(vector(together.dense, i)) - 1)).toBeLessThan(1e-6);
    }
  });

  it('does not mix concurrent calls', async () => {
    const calls = Array.from({ length: 12 }, (_, i) => folder.probes[i % folder.probes.length]?.ids ?? new Int32Array());
    const outputs = await Promise.all(calls.map((ids) => backend.run(tokenBatch([ids]), dense)));
    outputs.forEach((output, i) => expect(cosine(output.dense ?? [], folder.probes[i % folder.probes.length]?.dense ?? [])).toBeGreaterThan(0.9999));
  });

  it('answers an empty batch, and refuses wrong ids, lengths and heads', async () => {
    expect((await backend.run(tokenBatch([]), dense)).dense).toEqual(new Float32Array());
    await expect(backend.run(tokenBatch([[folder.file.architecture.vocabularySize]]), dense)).rejects.toBeInstanceOf(InvalidTokenBatchError);
    await expect(backend.run(tokenBatch([new Int32Array(folder.space.maxTokens + 1)]), dense)).rejects.toBeInstanceOf(InvalidTokenBatchError);
    await expect(backend.run(tokenBatch([[]]), dense)).rejects.toBeInstanceOf(InvalidTokenBatchError);
    await expect(backend.run(tokenBatch([[1]]), { heads: ['colbert'] })).rejects.toBeInstanceOf(UnsupportedHeadError);
  });
});

describe('MiniLM against sentence-transformers', () => {
  it('has the vectors of 120 texts within what float16 weights lose', async () => {
    const backend = await openOnnxBackend({ folder: await openModelFolder(join(root, 'models/all-MiniLM-L6-v2')) });
    expect(goldens.length).toBe(120);
    const { dense: vectors = new Float32Array() } = await backend.run(tokenBatch(goldens.map(({ input_ids }) => input_ids)), dense);
    const cosines = goldens.map(({ embedding }, i) => cosine(vectors.subarray(i * 384, (i + 1) * 384), decodeVector(embedding)));
    expect(Math.min(...cosines)).toBeGreaterThan(0.99999);
    await backend.close();
  });
});

describe('a worker that dies', () => {
  it('is replaced, and its batch is answered', async () => {
    const folder = await openModelFolder(join(root, 'models/all-MiniLM-L6-v2'));
    const backend = await openOnnxBackend({ folder });
    const long = tokenBatch(Array.from({ length: 64 }, () => new Int32Array(256).fill(2003)));
    const running = backend.run(long, dense);
    backend.crashOneWorker();
    const { dense: vectors } = await running;
    expect(vectors?.length).toBe(64 * 384);
    expect(backend.workerDeaths).toBe(1);
    const late = backend.run(long, dense).catch((reason: unknown) => reason);
    await backend.close();
    await expect(late).resolves.toBeInstanceOf(ClosedError);
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

  it('space.json that contradicts itself is refused', async () => {
    const path = join(model(), 'space.json');
    const json = JSON.parse(await readFile(path, 'utf8'));
    const write = (value: unknown): Promise<void> => writeFile(path, JSON.stringify(value));
    await write({ ...json, identity: { ...json.identity, maxTokens: 128 } });
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
    const identity = { ...json.identity, dimension: 512 };
    await write({ ...json, identity, fingerprint: await spaceFingerprint(identity) });
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE', message: expect.stringContaining('probe 0 has 384 numbers') });
    await write({ ...json, files: { '../escape': { bytes: 1, sha256: json.fingerprint } } });
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
    await writeFile(path, '{');
    await expect(openModelFolder(model())).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
  });
});

it('equal-length groups hold every text once, of one length, within the budget', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 })), fc.integer({ min: 1, max: 100 }), (lengths, budget) => {
      const groups = equalLengthGroups(tokenBatch(lengths.map((length) => new Int32Array(length))), budget);
      expect(groups.flatMap(({ texts }) => texts).sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
      for (const { tokens, texts } of groups) {
        expect(texts.every((text) => lengths[text] === tokens)).toBe(true);
        expect(texts.length === 1 || texts.length * tokens <= budget).toBe(true);
      }
    }),
  );
});
