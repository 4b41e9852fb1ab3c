import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { VariantChoice, VariantName } from '@kimera/core';
import { type ModelFolder, openModelFolder } from '@kimera/model-folder';
import { backendsOf } from './backends-of.js';
import { parseConfiguration } from './configuration.js';
import { openModelAt, openModels } from './open-models.js';
import { checkVariant, FAST_MIN_COSINE, variantsOf } from './variant-choice.js';

const TWO_PRECISIONS = join(fileURLToPath(import.meta.url), '../../../../fixtures/models/bert-tiny-int8');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let scratch: string;
let folder: ModelFolder;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-variants-'));
  folder = await openModelFolder(TWO_PRECISIONS);
});
afterAll(() => rm(scratch, { recursive: true }));

const names = (choice: VariantChoice, of = folder): readonly string[] => variantsOf(of, choice).map(({ name }) => name);

/** Name of the variant that serves natively, and those that were refused. */
async function served(of: ModelFolder, variant: VariantChoice, executionProviders = ['cpu'] as const) {
  const refused: VariantName[] = [];
  const [native] = backendsOf(
    { useOnnx: true, executionProviders: [...executionProviders], variant, cacheFolder: undefined },
    { threads: 1, onVariantRefused: (name) => refused.push(name) },
  );
  const backend = await native?.open(of);
  await backend?.close();
  return { variant: backend?.variant.name, refused };
}

it('fast is 8 bits where they are near enough, before the full precision', () => {
  expect(names('fast')).toEqual(['int8', 'fp32']);
  const withLeast = (minCosine: number): ModelFolder => ({
    ...folder,
    file: {
      ...folder.file,
      variants: folder.file.variants.map((variant) =>
        variant.name === 'int8' ? { ...variant, fidelity: { ...variant.fidelity, minCosine } } : variant,
      ),
    },
  });
  expect(names('fast', withLeast(FAST_MIN_COSINE))).toEqual(['int8', 'fp32']);
  expect(names('fast', withLeast(FAST_MIN_COSINE - 1e-4))).toEqual(['fp32']);
  // Whoever names it gets it.
  expect(names('int8', withLeast(FAST_MIN_COSINE - 1e-4))).toEqual(['int8']);
});

it('full is the first of the folder, and a name is that one alone', () => {
  expect(names('full')).toEqual(['fp32']);
  expect(names('int8')).toEqual(['int8']);
  expect(() => names('q4')).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_VARIANT', message: expect.stringContaining('fp32, int8') }),
  );
});

it('serves what was chosen', async () => {
  expect(await served(folder, 'fast')).toEqual({ variant: 'int8', refused: [] });
  expect(await served(folder, 'full')).toEqual({ variant: 'fp32', refused: [] });
});

it('serves the full precision where 8 bits give other vectors on this machine, and says so; named, they are refused', async () => {
  const path = join(scratch, 'damaged');
  await cp(TWO_PRECISIONS, path, { recursive: true });
  const weights = await readFile(join(path, 'onnx/model_int8.onnx_data'));
  await writeFile(
    join(path, 'onnx/model_int8.onnx_data'),
    weights.map((byte, i) => (i % 3 === 0 ? byte ^ 0x40 : byte)),
  );
  const damaged: ModelFolder = { ...folder, path };
  expect(await served(damaged, 'fast')).toEqual({ variant: 'fp32', refused: ['int8'] });
  await expect(served(damaged, 'int8')).rejects.toMatchObject({ code: expect.stringMatching(/^PROBE_/) });
});

it('refuses a name that the folder lacks before any backend is tried', async () => {
  await expect(checkVariant(TWO_PRECISIONS, 'q4')).rejects.toMatchObject({ code: 'UNKNOWN_VARIANT' });
  await expect(
    openModels(
      {
        ...parseConfiguration({ ONNX_MODEL_PATH: TWO_PRECISIONS, KIMERA_VARIANT: 'q4', FALLBACK_SPACE: 'light' }, '/'),
      },
      silent,
    ),
  ).rejects.toMatchObject({ code: 'UNKNOWN_VARIANT' });
});

it('a model beside the served one that lacks the named variant takes the fast one', async () => {
  const configuration = parseConfiguration({ KIMERA_VARIANT: 'q4' }, '/');
  const embedder = await openModelAt(TWO_PRECISIONS, configuration, silent);
  expect(embedder.getPerformanceStats().variant).toBe('int8');
  await embedder.close();
});
