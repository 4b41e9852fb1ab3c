import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { openEmbedder, type Embedder, type OpenEmbedderOptions } from '@kimera/embedder';
import { decodeVector, openModelFolder } from '@kimera/model-folder';
import { checkClose, float32, fp16Weights, rejection, textEmbedderConformance } from '@kimera/testing';
import { z } from 'zod';
import { shippedModel, shippedModels } from './shipped-models.js';
import { variantsOf } from './variant-choice.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const runner = { describe, it, beforeAll, afterAll, expect };
const path = (name: string): string => join(root, 'models', name);
const open = (modelPath: string, options: Partial<OpenEmbedderOptions> = {}): Promise<Embedder> =>
  openEmbedder({ modelPath, backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder }) }], ...options });
const goldensSchema = z.object({
  cases: z.array(
    z.object({
      kind: z.string(),
      text: z.string(),
      input_ids: z.array(z.int()),
      tokens_before_truncation: z.int(),
      truncated: z.boolean(),
      embedding: z.string(),
    }),
  ),
});
const goldens = goldensSchema.parse(
  JSON.parse(readFileSync(join(root, 'fixtures/minilm/expected.json'), 'utf8')),
).cases;

describe('the models that ship', () => {
  const models = ['all-MiniLM-L6-v2', 'static-minilm', 'multilingual-e5-small'] as const;

  it('are found as packages', async () => {
    expect(shippedModels()).toEqual(await Promise.all(models.map((name) => realpath(path(name)))));
  });

  it('are those that are installed, and the other is refused with the package to install', () => {
    const resolve = (file: string): string => {
      if (file.includes('e5')) throw Object.assign(new Error('absent'), { code: 'MODULE_NOT_FOUND' });
      return `/modules/${file}`;
    };
    expect(shippedModels(resolve)).toEqual([
      '/modules/@kimera/model-all-minilm-l6-v2',
      '/modules/@kimera/model-static-minilm',
    ]);
    expect(() => shippedModel('multilingual-e5-small', resolve)).toThrow(
      expect.objectContaining({
        code: 'MODEL_PACKAGE_MISSING',
        fields: { packageName: '@kimera/model-multilingual-e5-small' },
        message: expect.stringContaining('npm install @kimera/model-multilingual-e5-small'),
      }),
    );
  });

  it('give other errors of the file system as they are', () => {
    const broken = new Error('broken');
    const resolve = (): string => {
      throw broken;
    };
    expect(() => shippedModels(resolve)).toThrow(broken);
  });
});

it.each(['all-MiniLM-L6-v2', 'multilingual-e5-small'] as const)(
  '%s ships in two precisions of one space, and the fast one is near enough to serve by itself',
  async (name) => {
    const folder = await openModelFolder(path(name));
    const [full, int8] = folder.file.variants;
    expect(int8?.name).toBe('int8');
    expect(int8?.fidelity.texts).toBe(120);
    expect(variantsOf(folder, 'fast')).toEqual([int8, full]);
    // Of the base variant's file the word table alone is needed.
    expect(folder.file.files['onnx/model_int8.onnx_data']?.bytes).toBeLessThan(26e6);
  },
);

// Opening a model takes seconds: both suites of MiniLM share one.
let minilm: Embedder | undefined;
const openMinilm = async (): Promise<Embedder> => (minilm ??= await open(path('all-MiniLM-L6-v2')));
afterAll(() => minilm?.close());

textEmbedderConformance(runner, {
  name: 'all-MiniLM-L6-v2',
  tolerance: float32,
  open: async () => ({ embedder: await openMinilm(), close: () => Promise.resolve() }),
});

textEmbedderConformance(runner, {
  name: 'multilingual-e5-small',
  tolerance: float32,
  open: async () => {
    const embedder = await open(path('multilingual-e5-small'));
    return { embedder, close: () => embedder.close() };
  },
});

describe('MiniLM, text in, vector out', () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = await openMinilm();
  });

  it('has the vectors, token counts and truncation of sentence-transformers on 120 texts, empty ones, NUL and lone controls included', async () => {
    const embeddings = await embedder.encodeBatch(goldens.map(({ text }) => text));
    expect(embeddings.length).toBe(120);
    embeddings.forEach(({ dense = [], tokens, totalTokens, truncated }, i) => {
      const golden = goldens[i];
      checkClose(dense, decodeVector(golden?.embedding ?? ''), fp16Weights, golden?.kind);
      expect([tokens, totalTokens, truncated]).toEqual([
        golden?.input_ids.length,
        golden?.tokens_before_truncation,
        golden?.truncated,
      ]);
    });
  });

  it('passes its own model test', async () => {
    const test = await embedder.testModel();
    expect(test).toMatchObject({ holds: true, dimension: 384, maxTokens: 256, space: embedder.space.fingerprint });
    expect(test.probes.length).toBeGreaterThan(5);
  });

  it('cuts a text of ten megabytes and says how long it was', async () => {
    const embedding = await embedder.encodeText('word '.repeat(2 << 20));
    expect(embedding).toMatchObject({ tokens: 256, totalTokens: (2 << 20) + 2, truncated: true });
  });
});

const promptGoldens = z.object({
  cases: z.array(
    z.object({
      text: z.string(),
      with_prompt: z.record(
        z.enum(['default', 'query', 'passage', 'empty']),
        z.object({ input_ids: z.array(z.int()), embedding: z.string() }),
      ),
    }),
  ),
});

it('gives texts the prompt of their role, and of the default role without one, as sentence-transformers does', async () => {
  const { cases } = promptGoldens.parse(
    JSON.parse(readFileSync(join(root, 'fixtures/checkpoints/bert-tiny-prompts/expected.json'), 'utf8')),
  );
  const embedder = await open(join(root, 'fixtures/models/bert-tiny-prompts'));
  const texts = cases.map(({ text }) => text);
  for (const [name, options] of [
    ['default', {}],
    ['query', { role: 'query' }],
    ['passage', { role: 'document' }],
  ] as const) {
    for (const [i, { dense = [], tokens }] of (await embedder.encodeBatch(texts, options)).entries()) {
      const golden = cases[i]?.with_prompt[name];
      checkClose(dense, decodeVector(golden?.embedding ?? ''), float32, `${name} ${i}`);
      expect(tokens).toBe(golden?.input_ids.length);
    }
  }
  expect((await embedder.testModel()).holds).toBe(true);
  await embedder.close();
});

describe('a model folder that cannot be served is refused with its reason', () => {
  let scratch = '';
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kimera-shipped-'));
    await cp(path('all-MiniLM-L6-v2'), scratch, { recursive: true });
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it.each([
    ['another dimension asked for', { dimension: 1024 }, { code: 'DIMENSION_MISMATCH', expected: 1024, actual: 384 }],
    [
      'a variant that is not there',
      { backends: [{ name: 'onnx', open: (folder) => openOnnxBackend({ folder, variant: 'fp32' }) }] },
      { code: 'UNKNOWN_VARIANT', variant: 'fp32' },
    ],
  ] satisfies [string, Partial<OpenEmbedderOptions>, Record<string, unknown>][])(
    '%s',
    async (_what, options, reason) => {
      expect(await rejection(() => open(path('all-MiniLM-L6-v2'), options))).toMatchObject(reason);
    },
  );

  it('another tokenizer of the same size, whose tokens would give vectors of another space under its name', async () => {
    const file = join(scratch, 'tokenizer.json');
    const json = await readFile(file, 'utf8');
    await writeFile(file, json.replace('"word":', '"\0":').replace('"time":', '"word":').replace('"\0":', '"time":'));
    expect(await rejection(() => open(scratch))).toMatchObject({ code: 'TOKENIZER_CHANGED' });
    await writeFile(file, json);
  });

  it('truncated weights, then none, then no folder', async () => {
    const weights = join(scratch, 'onnx/model.onnx_data');
    await truncate(weights, 1_000);
    expect(await rejection(() => open(scratch))).toMatchObject({ code: 'MODEL_FILE_SIZE', actual: 1_000 });
    await rm(weights);
    expect(await rejection(() => open(scratch))).toMatchObject({
      code: 'MODEL_FILE_MISSING',
      file: 'onnx/model.onnx_data',
    });
    expect(await rejection(() => open(join(scratch, 'nowhere')))).toMatchObject({ code: 'MODEL_FOLDER_NOT_FOUND' });
  });
});
