import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ProbeMismatchError, ProbeNormError, type InferenceBackend } from '@kimera/core';
import {
  checkProbes,
  chooseVariant,
  decodeVector,
  encodeVector,
  InvalidSpaceFileError,
  ModelFileHashError,
  openModelFolder,
  parseSpaceFile,
  probeFloor,
  UnknownVariantError,
  verifyFileHashes,
  type SpaceFile,
} from './index.js';

const models = join(fileURLToPath(import.meta.url), '../../../../models');

/** Answers with the probe's own vector, turned by `noise` in its first number. */
async function answering(name: string, noise: number): Promise<InferenceBackend> {
  const folder = await openModelFolder(join(models, name));
  const { name: variant, fidelity } = chooseVariant(folder);
  return {
    name: 'answering',
    space: folder.space,
    variant: { name: variant, fidelity },
    run: (batch, { normalize }) => {
      const probe = folder.probes.find(({ ids }) => ids.join() === batch.ids.join());
      const length = normalize === false ? (probe?.norm ?? NaN) : 1;
      const dense = Float32Array.from(probe?.dense ?? [], (value) => value * length);
      dense[0] = (dense[0] ?? 0) + noise;
      return Promise.resolve({ dense });
    },
    close: () => Promise.resolve(),
  };
}

describe.each(['all-MiniLM-L6-v2', 'multilingual-e5-small'])('%s as shipped', (name) => {
  it('has every file with its recorded hash', async () => {
    const folder = await openModelFolder(join(models, name));
    await verifyFileHashes(folder);
    const [entry] = Object.entries(folder.file.files);
    if (entry === undefined) throw new Error('no files');
    const [first, { bytes }] = entry;
    const changed = {
      ...folder,
      file: { ...folder.file, files: { [first]: { bytes, sha256: '0'.repeat(64) } } },
    };
    await expect(verifyFileHashes(changed)).rejects.toBeInstanceOf(ModelFileHashError);
  });

  it('accepts a backend with its vectors, and refuses one that is off, silent or of another size', async () => {
    const { probes } = await openModelFolder(join(models, name));
    expect(await checkProbes(await answering(name, 0), probes)).toHaveLength(probes.length);
    await expect(checkProbes(await answering(name, 0.1), probes)).rejects.toBeInstanceOf(ProbeMismatchError);
    const silent = await answering(name, 0);
    await expect(checkProbes({ ...silent, run: () => Promise.resolve({}) }, probes)).rejects.toBeInstanceOf(
      ProbeMismatchError,
    );
    for (const value of [0, NaN, Infinity]) {
      const dense = new Float32Array(384).fill(value);
      await expect(checkProbes({ ...silent, run: () => Promise.resolve({ dense }) }, probes)).rejects.toBeInstanceOf(
        ProbeMismatchError,
      );
    }
    // The right direction, not normalised.
    const long: InferenceBackend = {
      ...silent,
      run: async (...call) => ({
        dense: ((await silent.run(...call)).dense ?? new Float32Array()).map((value) => value * 100),
      }),
    };
    await expect(checkProbes(long, probes)).rejects.toBeInstanceOf(ProbeNormError);
    // Normalised although the vector before that was asked for, or another vector than that.
    const deaf = (change: (value: number) => number): InferenceBackend => ({
      ...silent,
      run: async (batch, { heads, normalize }) => {
        const { dense = new Float32Array() } = await silent.run(batch, { heads });
        return { dense: normalize === false ? dense.map(change) : dense };
      },
    });
    await expect(
      checkProbes(
        deaf((value) => value),
        probes,
      ),
    ).rejects.toBeInstanceOf(ProbeNormError);
    await expect(
      checkProbes(
        deaf((value) => Math.abs(value) * 5),
        probes,
      ),
    ).rejects.toBeInstanceOf(ProbeMismatchError);
  });

  it('names the variants that it has', async () => {
    const folder = await openModelFolder(join(models, name));
    expect(chooseVariant(folder, 'int8').name).toBe('int8');
    expect(() => chooseVariant(folder, 'fp32')).toThrow(UnknownVariantError);
  });
});

it.each([
  [
    'another fingerprint',
    (file: SpaceFile) => ({ ...file, identity: { ...file.identity, maxTokens: 128 } }),
    'is not that of the identity',
  ],
  [
    'a graph that no hash vouches for',
    (file: SpaceFile) => ({
      ...file,
      variants: file.variants.map((variant) => ({
        ...variant,
        graphs: { ...variant.graphs, fast: 'onnx/other.onnx' },
      })),
    }),
    'graph onnx/other.onnx of variant fp16',
  ],
  [
    'a file outside the folder',
    (file: SpaceFile) => ({ ...file, files: { '../escape': { bytes: 1, sha256: file.fingerprint } } }),
    '../escape',
  ],
  [
    'a probe of another dimension',
    (file: SpaceFile) => ({ ...file, probes: file.probes.map((probe) => ({ ...probe, dense: 'AAAAAAA=' })) }),
    'probe 0 has 1.25 numbers, the dimension is 384',
  ],
  [
    'a probe that is not base64',
    (file: SpaceFile) => ({ ...file, probes: file.probes.map((probe) => ({ ...probe, dense: probe.dense.slice(1) })) }),
    'base64',
  ],
  ['an unknown field', (file: SpaceFile) => ({ ...file, surprise: 1 }), 'surprise'],
  ['no probe', (file: SpaceFile) => ({ ...file, probes: [] }), 'probes'],
  ['another schema', (file: SpaceFile) => ({ ...file, schema: 'kimera-model/2' }), 'kimera-model/1'],
])('space.json with %s is refused', async (_what, change, words) => {
  const { file } = await openModelFolder(join(models, 'all-MiniLM-L6-v2'));
  const error = await parseSpaceFile(JSON.stringify(change(file)), 'space.json').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidSpaceFileError);
  expect(error).toMatchObject({ code: 'INVALID_SPACE_FILE', message: expect.stringContaining(words) });
});

it('a lossy variant may lose what was recorded and a little more, another model never passes', () => {
  const floor = (minCosine: number): number =>
    probeFloor({ name: 'int8', fidelity: { minCosine, meanCosine: 1, maxAbs: 0, texts: 1 } });
  expect(floor(1)).toBe(0.9999);
  expect(floor(0.997)).toBeCloseTo(0.992, 9);
});

it('vectors survive base64', () => {
  const vector = Float32Array.of(1, -0, 3.4e38, 1e-45);
  expect(decodeVector(encodeVector(vector))).toEqual(vector);
});
