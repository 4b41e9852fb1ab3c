import { readdirSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxAbsDifference } from '@kimera/core';
import { openModelFolder, type ModelFolder } from '@kimera/model-folder';
import { InferenceSession } from 'onnxruntime-node';
import { convertCheckpoint } from './convert-checkpoint.js';
import { feedsOf, fewCalibrationTexts, openPlainBackend, portableHiddenStates, root } from './fixtures.fixture.js';
import { compareGoldenFolder } from './golden-folders.fixture.js';

/** PROVENANCE.md of the goldens: an fp32 runtime against the original libraries. */
const FP32_RUNTIME = 2e-5;
/** Runs of one text and of several multiply in another order. */
const ROUNDING = 1e-6;
/** The float64 forward pass against transformers in float64, both rounded to float32, and against its float32 vectors. */
const REFERENCE = 2e-6;

const encoders = join(root, 'fixtures/encoders');
const names = readdirSync(encoders).filter((name) => !name.includes('.'));

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-encoders-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

it.each(names)(
  '%s: ids, hidden states and vectors of both graphs and of the forward pass are those of the original library',
  async (name) => {
    const { graphs, reference, differentIds } = await compareGoldenFolder(name, scratch, encoders);
    expect(differentIds).toEqual([]);
    expect([graphs.dense.texts, reference.hidden.texts]).toEqual([20, 6]);
    for (const part of ['hidden', 'dense'] as const) {
      expect(graphs[part].maxAbs).toBeLessThan(FP32_RUNTIME);
      expect(reference[part].maxAbs).toBeLessThan(REFERENCE);
    }
  },
);

describe.each(names)('%s, converted', (name) => {
  let folder: ModelFolder;
  beforeAll(async () => {
    folder = await openModelFolder(join(scratch, name));
  });
  const probe = (): readonly number[] => [...(folder.probes[5]?.ids ?? [])];

  it('hides padding by the mask', async () => {
    const padId = name.includes('bert-') || name === 'electra' ? 0 : 1;
    expect(
      maxAbsDifference(
        await portableHiddenStates(folder, probe(), 7, padId),
        await portableHiddenStates(folder, probe(), 0),
      ),
    ).toBeLessThan(FP32_RUNTIME);
  });

  it('gives a text the same vector in a batch as alone', async () => {
    const session = await InferenceSession.create(join(folder.path, 'onnx/model_fast.onnx'));
    const run = async (rows: readonly (readonly number[])[]): Promise<Float32Array> =>
      (await session.run(feedsOf(rows)))['dense']?.data as Float32Array;
    // 150 tokens in mpnet: beyond its last bucket of distances.
    const length = Math.min(150, folder.space.maxTokens);
    const { dimension } = folder.space;
    const text = (tokens: number, step: number): number[] =>
      Array.from({ length: tokens }, (_, i) => 5 + ((i * step) % 60));
    for (const lengths of [
      [length, length, length],
      [length, 1, 7, 7, 40],
    ]) {
      const rows = lengths.map((tokens, i) => text(tokens, 3 + 2 * i));
      const together = (await run(rows)).slice();
      for (const [i, row] of rows.entries())
        expect(maxAbsDifference(await run([row]), together.subarray(i * dimension, (i + 1) * dimension))).toBeLessThan(
          ROUNDING,
        );
    }
    await session.release();
  });
});

it.each(['electra', 'mpnet'])('%s: linked weights give the same numbers', async (name) => {
  const source = join(scratch, `${name}-to-link`);
  await cp(join(encoders, name), source, { recursive: true });
  const linked = await convertCheckpoint({
    source,
    out: join(scratch, `${name}-linked`),
    variant: 'fp32',
    weights: 'link',
    openBackend: openPlainBackend,
  });
  const copied = await openModelFolder(join(scratch, name));
  expect(linked.space.fingerprint).toBe(copied.space.fingerprint);
  const ids = [...(copied.probes[5]?.ids ?? [])];
  expect(await portableHiddenStates(linked, ids, 0)).toEqual(await portableHiddenStates(copied, ids, 0));
});

// A bias by distance, a linear map after the embeddings, and activations with another least value than GELU's.
it.each(['mpnet', 'electra', 'bert-relu', 'bert-silu'])('%s: in 8 bits it is near', async (name) => {
  const { file } = await convertCheckpoint({
    source: join(encoders, name),
    out: join(scratch, `${name}-int8`),
    variant: 'fp32',
    openBackend: openPlainBackend,
    int8: {
      floor: { meanCosine: 0.99, minCosine: 0.95 },
      aim: { meanCosine: 0.9, minCosine: 0.8 },
      calibration: await fewCalibrationTexts(scratch),
    },
  });
  expect(file.variants[1]?.full).toBeUndefined();
  expect(file.variants[1]?.fidelity.meanCosine).toBeGreaterThan(0.9995);
});
