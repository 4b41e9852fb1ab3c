import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  loadStaticModel,
  memoryFiles,
  openHashedModel,
  openStaticModel,
  type StaticModel,
} from '@kimera/backend-light';
import { cosine } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { exact, textEmbedderConformance } from '@kimera/testing';
import { root } from './run-kimera.fixture.js';

const runner = { describe, it, beforeAll, afterAll, expect };
const path = join(root, 'models/static-minilm');
const FILES = ['space.json', 'config.json', 'tokenizer.json', 'model.safetensors'];
/** As a page has them: in memory, everything on the caller's thread. */
const inMemory = (): Promise<StaticModel> =>
  loadStaticModel({
    files: memoryFiles('shipped', new Map(FILES.map((name) => [name, new Uint8Array(readFileSync(join(path, name)))]))),
  });

for (const [name, open] of [
  ['the shipped static model', () => openStaticModel({ path })],
  ['the same in memory', inMemory],
  ['the hashed model', () => openHashedModel({ maxTokens: 512 })],
] as const) {
  textEmbedderConformance(runner, {
    name,
    tolerance: exact,
    open: async () => {
      const embedder = new Embedder(await open());
      return { embedder, close: () => embedder.close() };
    },
  });
}

describe('the shipped static model', () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = new Embedder(await openStaticModel({ path }));
  });
  afterAll(() => embedder.close());

  it('passes its own model test, in a space that is not the teacher’s', async () => {
    const test = await embedder.testModel();
    expect(test).toMatchObject({
      holds: true,
      modelId: 'kimera/all-MiniLM-L6-v2-static',
      dimension: 256,
      maxTokens: 512,
    });
    const teacher: unknown = JSON.parse(readFileSync(join(root, 'models/all-MiniLM-L6-v2/space.json'), 'utf8'));
    expect(teacher).not.toMatchObject({ fingerprint: test.space });
  });

  it('takes no more than 12 MB', () => {
    expect(FILES.reduce((sum, name) => sum + readFileSync(join(path, name)).length, 0)).toBeLessThan(12e6);
  });

  it('finds like texts alike, whatever words they share', async () => {
    const [query = [], paraphrase = [], sharing = []] = (
      await embedder.encodeBatch([
        'a physician treated the sick child',
        'the doctor cured an ill kid',
        'a child treated the physician to dinner',
      ])
    ).map(({ dense }) => dense);
    const [other = []] = (await embedder.encodeBatch(['the stock market fell sharply'])).map(({ dense }) => dense);
    expect(cosine(query, paraphrase)).toBeGreaterThan(cosine(query, other) + 0.3);
    expect(cosine(query, sharing)).toBeGreaterThan(cosine(query, other));
  });
});
