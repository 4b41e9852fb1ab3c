import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ProbeMismatchError, type InferenceBackend } from '@kimera/core';
import { checkProbes, chooseVariant, decodeVector, encodeVector, openModelFolder, probeFloor, UnknownVariantError, verifyFileHashes } from './index.js';

const models = join(fileURLToPath(import.meta.url), '../../../../models');

/** Answers with the probe's own vector, turned by `noise` in its first number. */
async function answering(name: string, noise: number): Promise<InferenceBackend> {
  const folder = await openModelFolder(join(models, name));
  const { name: variant, fidelity } = chooseVariant(folder);
  return {
    name: 'answering',
    space: folder.space,
    variant: { name: variant, fidelity },
    run: (batch) => {
      const probe = folder.probes.find(({ ids }) => ids.join() === batch.ids.join());
      const dense = Float32Array.from(probe?.dense ?? []);
      dense[0] = (dense[0] ?? 0) + noise;
      return Promise.resolve({ dense });
    },
    close: () => Promise.resolve(),
  };
}

describe.each(['all-MiniLM-L6-v2', 'multilingual-e5-small'])('%s as shipped', (name) => {
  it('has every file with its recorded hash', async () => {
    await verifyFileHashes(await openModelFolder(join(models, name)));
  });

  it('accepts a backend with its vectors, and refuses one that is off, silent or of another size', async () => {
    const { probes } = await openModelFolder(join(models, name));
    expect(await checkProbes(await answering(name, 0), probes)).toHaveLength(probes.length);
    await expect(checkProbes(await answering(name, 0.1), probes)).rejects.toBeInstanceOf(ProbeMismatchError);
    const silent = await answering(name, 0);
    await expect(checkProbes({ ...silent, run: () => Promise.resolve({}) }, probes)).rejects.toBeInstanceOf(ProbeMismatchError);
    await expect(checkProbes({ ...silent, run: () => Promise.resolve({ dense: new Float32Array(384) }) }, probes)).rejects.toBeInstanceOf(ProbeMismatchError);
  });

  it('names the variants that it has', async () => {
    const folder = await openModelFolder(join(models, name));
    expect(() => chooseVariant(folder, 'int8')).toThrow(UnknownVariantError);
  });
});

it('a lossy variant may lose what was recorded and a little more, another model never passes', () => {
  const floor = (minCosine: number): number => probeFloor({ name: 'int8', fidelity: { minCosine, meanCosine: 1, maxAbs: 0, texts: 1 } });
  expect(floor(1)).toBe(0.9999);
  expect(floor(0.997)).toBeCloseTo(0.992, 9);
});

it('vectors survive base64', () => {
  const vector = Float32Array.of(1, -0, 3.4e38, 1e-45);
  expect(decodeVector(encodeVector(vector))).toEqual(vector);
});
