import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { fakeSpace } from '@kimera/testing';
import { openModelFolder } from '@kimera/model-folder';
import { findModelOfSpace } from './find-model-of-space.js';
import { shippedModel, shippedModels } from './shipped-models.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kimera-models-'));
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken', 'space.json'), '{');
  await symlink(shippedModel('all-MiniLM-L6-v2'), join(folder, 'minilm'));
});
afterAll(() => rm(folder, { recursive: true }));

it('finds a model by its space, in a folder of models and by its own folder, of both kinds', async () => {
  const { space } = await openModelFolder(shippedModel('all-MiniLM-L6-v2'));
  expect(await findModelOfSpace([join(folder, 'none'), folder], space)).toBe(join(folder, 'minilm'));
  const { backend, tokenizer } = await openStaticModel({ path: shippedModel('static-minilm') });
  await Promise.all([backend.close(), tokenizer.close()]);
  expect(await findModelOfSpace([folder, ...shippedModels()], backend.space)).toBe(shippedModel('static-minilm'));
});

it('says which space has no model, and where it looked', async () => {
  const space = fakeSpace('absent');
  await expect(findModelOfSpace([folder], space)).rejects.toMatchObject({
    code: 'MODEL_OF_SPACE_NOT_FOUND',
    space: space.fingerprint,
    folders: [folder],
  });
});
