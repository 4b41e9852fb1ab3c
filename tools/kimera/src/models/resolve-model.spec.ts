import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { kimera, minilm, root } from '../run-kimera.fixture.js';
import { inputPath, resolveModel } from './resolve-model.js';

const folder = mkdtempSync(join(tmpdir(), 'kimera-names-'));
const MINILM = 'sentence-transformers/all-MiniLM-L6-v2';
beforeAll(() => {
  mkdirSync(join(folder, 'models'));
  mkdirSync(join(folder, 'more'));
  mkdirSync(join(folder, 'here'));
  cpSync(join(root, 'fixtures/models/bge-m3-tiny'), join(folder, 'models/tiny'), { recursive: true });
  cpSync(join(root, 'fixtures/models/bert-tiny-prompts'), join(folder, 'more/prompts'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what names a model', () => {
  it.each([
    ['a folder', './models/tiny', 'models/tiny'],
    ['a folder without a dot', 'models/tiny', 'models/tiny'],
    ['a folder without a model, which is refused when it is opened', 'here', 'here'],
    ['a path to nothing, likewise', './nothing', 'nothing'],
    ['the id of one in ./models', 'fixture/bge-m3-tiny', 'models/tiny'],
    ['the same in capitals', 'Fixture/BGE-M3-tiny', 'models/tiny'],
  ])('%s', async (_what, given, path) => {
    expect(await resolveModel({ folder }, given)).toBe(join(folder, path));
  });

  it('the id of one that comes with Kimera, as "models list" prints it', async () => {
    expect(await resolveModel({ folder }, MINILM)).toBe(minilm);
  });

  it('the id of one in a folder that is named besides', async () => {
    expect(await resolveModel({ folder }, 'fixture/bert-tiny-prompts', [join(folder, 'more')])).toBe(
      join(folder, 'more/prompts'),
    );
  });

  it('else is refused with what is at hand', async () => {
    await expect(resolveModel({ folder }, 'example/none')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      kind: 'caller',
      path: join(folder, 'example/none'),
      available: expect.arrayContaining(['fixture/bge-m3-tiny', MINILM]),
    });
  });

  it('a file or folder that is not there is refused', async () => {
    await expect(inputPath({ folder }, 'rows.jsonl')).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      kind: 'caller',
      path: join(folder, 'rows.jsonl'),
    });
  });

  it.each([
    [['tokenize', '--model', MINILM]],
    [['models', 'inspect', MINILM]],
    [['models', 'verify', 'fixture/bge-m3-tiny']],
    [['migrate', 'plan', '--collection', 'docs', '--database', './none', '--to', MINILM]],
  ])('is taken by %j', async (words) => {
    const { stderr } = await kimera(words, folder);
    expect(stderr).not.toContain('no model');
  });
});
