import { expect, it } from '@jest/globals';
import { tokenBatch } from '@kimera/core';
import { fakeSpace } from '@kimera/testing';
import { TextWithoutDirectionError } from './index.js';
import { StaticBackend } from './static-backend.js';

const backend = new StaticBackend({
  space: fakeSpace('static', { dimension: 2 }),
  variant: { name: 'fp32', fidelity: { minCosine: 1, meanCosine: 1, maxAbs: 0, texts: 0 } },
  table: { dimension: 2, vocabularySize: 3, rows: Float32Array.of(3, 0, 3, 8, -3, 0) },
});
const dense = (ids: readonly number[], normalize?: false) =>
  backend.run(tokenBatch([ids]), { heads: ['dense'], normalize });

it('before its normalisation a vector is the mean of those of its tokens', async () => {
  expect(await dense([0, 1], false)).toEqual({ dense: Float32Array.of(3, 4) });
  expect(await dense([0, 1])).toEqual({ dense: Float32Array.of(0.6, 0.8) });
  expect(await dense([0, 1, 1, 0], false)).toEqual({ dense: Float32Array.of(3, 4) });
});

it('what has no direction has a vector before its normalisation, and none after it', async () => {
  expect(await dense([0, 2], false)).toEqual({ dense: Float32Array.of(0, 0) });
  await expect(dense([0, 2])).rejects.toThrow(TextWithoutDirectionError);
});
