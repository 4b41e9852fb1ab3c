import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openStaticModel } from '@kimera/backend-light';
import { z } from 'zod';
import { kimera, root } from './run-kimera.fixture.js';

const teacher = join(root, 'fixtures/models/bert-tiny-prompts');
const documentSchema = z.strictObject({
  path: z.string(),
  modelId: z.string(),
  space: z.string(),
  dimension: z.int(),
  maxTokens: z.int(),
  variant: z.strictObject({
    name: z.string(),
    fidelity: z.strictObject({ minCosine: z.number(), meanCosine: z.number(), maxAbs: z.number(), texts: z.int() }),
  }),
  teacher: z.strictObject({
    modelId: z.string(),
    space: z.string(),
    recipe: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
  bytes: z.int(),
  milliseconds: z.int(),
});
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-distill-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Texts of letters, each another one. */
async function writeTexts(name: string, count: number): Promise<string> {
  const path = join(scratch, name);
  await writeFile(
    path,
    Array.from({ length: count }, (_, i) => `${'abcdefgh'[i % 8]} ${'stuvwxyz'[(i >> 3) % 8]} ${i}\n`).join(''),
  );
  return path;
}

describe('kimera models distill', () => {
  it('writes a static model that serves, is listed and embeds, the same bytes each time', async () => {
    const texts = await writeTexts('texts.txt', 300);
    const words = (out: string): readonly string[] => [
      'models',
      'distill',
      teacher,
      '--out',
      out,
      '--dims',
      '16',
      '--texts',
      texts,
      '--model-id',
      'test/static',
      '--json',
    ];
    const run = await kimera(words('static'), scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const document = documentSchema.parse(JSON.parse(run.stdout));
    expect(document).toMatchObject({
      path: join(scratch, 'static'),
      modelId: 'test/static',
      dimension: 16,
      maxTokens: 512,
      variant: { name: 'int8' },
      teacher: { modelId: 'fixture/bert-tiny-prompts', recipe: { texts: 300, dimension: 16 } },
    });
    expect(document.variant.fidelity.minCosine).toBeGreaterThan(0.999);

    const model = await openStaticModel({ path: document.path });
    expect(model.backend.space.fingerprint).toBe(document.space);
    await model.tokenizer.close();
    const list = await kimera(['models', 'list', 'static', '--json'], scratch);
    expect(JSON.parse(list.stdout)).toMatchObject({
      models: [{ modelId: 'test/static', space: document.space, variants: [{ name: 'int8' }] }],
    });
    const embedded = await kimera(['embed', '--model', 'static'], scratch, '{"text":"a b"}\n');
    expect(embedded.code).toBe(0);
    expect(JSON.parse(embedded.stdout)).toMatchObject({ space: document.space });

    expect((await kimera(words('again'), scratch)).code).toBe(0);
    for (const name of await readdir(document.path))
      expect((await readFile(join(scratch, 'again', name))).equals(await readFile(join(document.path, name)))).toBe(
        true,
      );
  });

  it('says what it made to people, without texts too', async () => {
    const run = await kimera(
      ['models', 'distill', teacher, '--out', 'people', '--dims', '8', '--precision', 'fp32'],
      scratch,
    );
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('people: people, ');
    expect(run.stdout).toContain('8 numbers, 512 tokens, its own: not comparable with the model');
  });

  it('says how many texts the model saw only the beginning of', async () => {
    const long = join(scratch, 'long.txt');
    await writeFile(
      long,
      `${'a b c d e f g h '.repeat(100)}\n${await readFile(await writeTexts('short.txt', 40), 'utf8')}`,
    );
    const run = await kimera(['models', 'distill', teacher, '--out', 'long', '--dims', '8', '--texts', long], scratch);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('1 of 41 texts are longer than the model takes: it saw their beginnings\n');
    expect(JSON.parse(await readFile(join(scratch, 'long/space.json'), 'utf8'))).toMatchObject({
      teacher: { recipe: { texts: 41, truncatedTexts: 1 } },
    });
  });

  it.each([
    ['an existing folder', ['--out', '.'], 2, 'OUTPUT_EXISTS'],
    ['more numbers than the teacher has', ['--out', 'new', '--dims', '33'], 2, 'DISTILL_OPTIONS'],
    ['too few texts', ['--out', 'new', '--dims', '16', '--texts', 'few.txt'], 2, 'DISTILL_OPTIONS'],
    ['no folder to write', [], 64, 'USAGE'],
    ['another precision', ['--out', 'new', '--precision', 'int4'], 64, 'USAGE'],
  ])('refuses %s, and writes nothing', async (_what, words, code, error) => {
    await writeTexts('few.txt', 5);
    const run = await kimera(['models', 'distill', teacher, ...words, '--json'], scratch);
    expect(run.code).toBe(code);
    expect(errorSchema.parse(JSON.parse(run.stdout === '' ? run.stderr : run.stdout)).error.code).toBe(error);
    expect(existsSync(join(scratch, 'new'))).toBe(false);
  });

  it('leaves nothing behind where it is stopped', async () => {
    const texts = await writeTexts('many.txt', 200_000);
    const stop = new AbortController();
    const run = kimera(
      ['models', 'distill', teacher, '--out', 'stopped', '--dims', '16', '--texts', texts, '--json'],
      scratch,
      '',
      {
        stop: stop.signal,
        onProgress: (text) => {
          if (text.includes('tokens of the texts')) stop.abort();
        },
      },
    );
    expect((await run).code).toBe(3);
    expect((await readdir(scratch)).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });
});
