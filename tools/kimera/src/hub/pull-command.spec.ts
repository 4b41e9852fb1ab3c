import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ended, killKimeras, kimera as kimeraIn, root, startKimera, type Run } from '../run-kimera.fixture.js';
import { COMMIT, stallAt, status, untilBytes } from './hub-server.fixture.js';
import { pinsOf, publishedPins } from './pins/published-pins.js';
import { FILES, NEEDED, PullTest, WEIGHTS } from './pull.fixture.js';

const pulledSchema = z.strictObject({
  path: z.string(),
  id: z.string(),
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  pins: z.enum(['commit', 'none']),
  kind: z.enum(['checkpoint', 'model']),
  files: z.array(
    z.strictObject({
      path: z.string(),
      bytes: z.int(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      state: z.enum(['downloaded', 'already there']),
    }),
  ),
  bytes: z.int(),
  milliseconds: z.int(),
});
const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string().regex(/^[^\n]+$/), hint: z.string().optional() }),
});

let test: PullTest;
beforeEach(async () => {
  test = await PullTest.start();
});
afterEach(async () => {
  killKimeras();
  await test.end();
});

const kimera = (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stop = new AbortController().signal,
): Promise<Run> =>
  kimeraIn(['models', ...words], test.scratch, '', {
    environment: { ...test.server.environment, ...environment },
    stop,
  });
const fixture = (name: string): Readonly<Record<string, Buffer>> => {
  const folder = join(root, 'fixtures/checkpoints', name);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(entries.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
};

describe('models pull', () => {
  it.each([
    ['bert-tiny-dense-chain', ['PROVENANCE.md', 'expected.json']],
    ['bge-m3-tiny', ['PROVENANCE.md', 'expected.json']],
  ])(
    '%s: what was pulled converts and verifies',
    async (name, unneeded) => {
      const files = fixture(name);
      test.server.model(files, { id: `example/${name}` });
      const run = await kimera(['pull', `example/${name}`, '--json']);
      expect(run).toMatchObject({ code: 0, stderr: '' });
      const pulled = pulledSchema.parse(JSON.parse(run.stdout));
      // The default folder, relative to the caller's.
      expect(pulled).toMatchObject({
        path: join(test.scratch, 'checkpoints', name),
        id: `example/${name}`,
        revision: 'main',
        commit: COMMIT,
        kind: 'checkpoint',
      });
      expect(pulled.files.map(({ path }) => path).sort()).toEqual(
        Object.keys(files)
          .filter((file) => !unneeded.includes(file))
          .sort(),
      );
      expect(pulled.bytes).toBe(pulled.files.reduce((sum, file) => sum + (files[file.path]?.length ?? 0), 0));
      expect(await kimera(['convert', `./checkpoints/${name}`, '--out', './out'])).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(JSON.parse(readFileSync(join(test.scratch, 'out/space.json'), 'utf8'))).toMatchObject({
        modelId: `example/${name}`,
      });
      expect(await kimera(['verify', './out', '--against', `./checkpoints/${name}`])).toMatchObject({ code: 0 });
    },
    120_000,
  );

  it('says for people what it did, where, and what comes next', async () => {
    test.server.model(FILES);
    const first = await kimera(['pull', 'example/mine', '--to', 'mine']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^\/.*\/mine: example\/mine at aaaaaaaaaaaa, 3 files, 5\.0 kB, in [^\n]+\na checkpoint: "kimera models convert DIR --out DIR"[^\n]+\n$/,
    );
    const second = await kimera(['pull', 'example/mine', '--to', 'mine']);
    expect(second.stdout).toContain('\nall of them were already there\n');
  });

  it('asks for the pinned commit of a known model, and refuses another file than the pinned one', async () => {
    const commit = pinsOf(publishedPins(), 'BAAI/bge-m3')?.commit ?? '';
    test.server.model(fixture('bge-m3-tiny'), { id: 'BAAI/bge-m3', commit, revisions: [] });
    const run = await kimera(['pull', 'BAAI/bge-m3', '--json']);
    expect(run.code).toBe(2);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error).toMatchObject({
      code: 'PINNED_FILE',
      message: expect.stringContaining('published pins'),
    });
    expect(run.stderr).toMatch(/^kimera: [^\n]+; hint: [^\n]+\n$/);
  });

  it.each([
    [['pull', '../x'], {}, 64, 'INVALID_MODEL_NAME'],
    [['pull', 'example/mine'], { HF_HUB_OFFLINE: '1' }, 2, 'HUB_OFFLINE'],
    [['pull', 'example/mine'], { HF_ENDPOINT: 'nowhere' }, 1, 'INVALID_ENVIRONMENT'],
    [['pull', 'example/none'], {}, 1, 'HUB_NOT_FOUND'],
  ])('%j with %j ends with %i: %s', async (words, environment, code, name) => {
    test.server.model(FILES);
    const run = await kimera([...words, '--json'], environment);
    expect(run.code).toBe(code);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error.code).toBe(name);
    expect(run.stderr).toMatch(/^kimera: [^\n]+; hint: [^\n]+\n$/);
  });

  it('lets no name of a hub write to the terminal', async () => {
    test.server.model(FILES, { listing: (honest) => [...honest, { rfilename: '\u001b]0;evil\u0007\u001b[31m' }] });
    const run = await kimera(['pull', 'example/mine']);
    expect(run.code).toBe(2);
    expect(run.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(run.stderr).toContain('\\u001b');
  });

  it('says of a 401 how a token is given, and shows none', async () => {
    test.server.plan('listing', status(401), status(401));
    expect((await kimera(['pull', 'example/mine'])).stderr).toMatch(/needs a token; hint: set HF_TOKEN/);
    const { code, stdout, stderr } = await kimera(['pull', 'example/mine', '--json'], { HF_TOKEN: 'hf_secret' });
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).not.toContain('hf_secret');
  });

  it('is alone in its folder; killed, it leaves a lock that the next one takes over, and bytes that it does not ask for again', async () => {
    test.server.model(FILES);
    test.server.plan('store model.safetensors', stallAt(3_000));
    const words = ['models', 'pull', 'example/mine', '--to', test.folder];
    const child = startKimera(words, test.scratch, test.server.environment);
    const run = ended(child);
    await untilBytes(test.partial('model.safetensors'), 3_000);
    const second = await kimera(['pull', 'example/mine', '--to', test.folder, '--json']);
    expect(second.code).toBe(1);
    expect(errorSchema.parse(JSON.parse(second.stdout)).error).toMatchObject({
      code: 'PULL_LOCKED',
      message: expect.stringContaining(`process ${child.pid}`),
    });
    child.kill('SIGKILL');
    await run;
    expect(test.files()).toContain('.pull.lock');
    const third = await kimera(['pull', 'example/mine', '--to', test.folder, '--json']);
    expect(third).toMatchObject({ code: 0, stderr: '' });
    expect(test.asked('model.safetensors')).toEqual([undefined, 'bytes=3000-']);
    expect(test.asked('config.json')).toHaveLength(1);
    expect(test.read('model.safetensors')).toEqual(WEIGHTS);
    expect(test.files()).toEqual([...NEEDED, 'pulled.json'].sort());
  });

  it('Ctrl-C keeps what was received and says how to go on', async () => {
    test.server.model(FILES);
    test.server.plan('store model.safetensors', stallAt(3_000));
    const stop = new AbortController();
    const run = kimera(['pull', 'example/mine', '--to', test.folder], {}, stop.signal);
    await untilBytes(test.partial('model.safetensors'), 3_000);
    stop.abort();
    expect(await run).toEqual({
      code: 3,
      stdout: '',
      stderr: 'kimera: stopped; what was received is kept: the same command goes on from there\n',
    });
    expect(test.files()).not.toContain('.pull.lock');
    expect(await kimera(['pull', 'example/mine', '--to', test.folder])).toMatchObject({ code: 0 });
    expect(test.asked('model.safetensors')).toEqual([undefined, 'bytes=3000-']);
  });
});
