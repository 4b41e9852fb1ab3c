import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { minilm } from '../run-kimera.fixture.js';
import { readPullRecord, unchangedFiles } from './folder/pull-folder.js';
import { COMMIT, cutAt, endless, instead, send, sha256, status } from './hub-server.fixture.js';
import { FILES, hurried, NEEDED, noise, PullTest, WEIGHTS } from './pull.fixture.js';

const SECOND = 'b'.repeat(40);
let test: PullTest;
beforeEach(async () => {
  test = await PullTest.start();
});
afterEach(() => test.end());

describe('a pull', () => {
  it('brings the needed files, and notes what they are', async () => {
    test.server.model(FILES);
    const progress: (readonly [number, number])[] = [];
    const pulled = await test.pull({ onProgress: ({ bytes, totalBytes }) => progress.push([bytes, totalBytes]) });
    expect(pulled).toMatchObject({
      path: test.folder,
      id: 'example/mine',
      revision: 'main',
      commit: COMMIT,
      pins: 'none',
      kind: 'checkpoint',
    });
    expect(pulled.files.map(({ path, state }) => [path, state])).toEqual([
      ['config.json', 'downloaded'],
      ['tokenizer.json', 'downloaded'],
      ['model.safetensors', 'downloaded'],
    ]);
    expect(test.files()).toEqual([...NEEDED, 'pulled.json'].sort());
    for (const name of NEEDED) expect(test.read(name)).toEqual(Buffer.from(FILES[name] ?? ''));
    const total = pulled.files.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(JSON.parse(test.read('pulled.json').toString())).toEqual({
      id: 'example/mine',
      commit: COMMIT,
      files: Object.fromEntries(pulled.files.map(({ path, bytes, sha256: hash }) => [path, { bytes, sha256: hash }])),
    });
    expect(progress.at(-1)).toEqual([total, total]);
    expect(progress.map(([bytes]) => bytes)).toEqual(progress.map(([bytes]) => bytes).sort((a, b) => a - b));
  });

  it('vouches for its files until they are written to', async () => {
    test.server.model(FILES);
    await test.pull();
    const vouched = async (): Promise<readonly string[]> => {
      const record = await readPullRecord(test.folder);
      return record === undefined ? [] : Object.keys(await unchangedFiles(test.folder, record)).sort();
    };
    expect(await vouched()).toEqual([...NEEDED].sort());
    const model = test.read('model.safetensors');
    await writeFile(join(test.folder, 'model.safetensors'), model);
    const later = new Date(Date.now() + 5_000);
    await utimes(join(test.folder, 'model.safetensors'), later, later);
    await writeFile(join(test.folder, 'config.json'), '{ }  ');
    const earlier = new Date(0);
    await utimes(join(test.folder, 'config.json'), earlier, earlier);
    expect(await vouched()).toEqual(['tokenizer.json']);
  });

  it('again fetches nothing but the listing', async () => {
    test.server.model(FILES);
    await test.pull();
    const before = test.server.requests.length;
    const { files } = await test.pull();
    expect(files.map(({ state }) => state)).toEqual(Array(3).fill('already there'));
    expect(test.server.requests.slice(before).map(({ what }) => what)).toEqual(['listing']);
    expect(test.files()).toEqual([...NEEDED, 'pulled.json'].sort());
  });

  it('counts what it had to read first among the downloaded files', async () => {
    test.server.model({ ...FILES, 'modules.json': '[]' });
    expect((await test.pull()).files.map(({ path, state }) => [path, state])).toContainEqual([
      'modules.json',
      'downloaded',
    ]);
    expect(test.asked('modules.json')).toHaveLength(1);
    expect((await test.pull()).files.map(({ path, state }) => [path, state])).toContainEqual([
      'modules.json',
      'already there',
    ]);
  });

  it('repairs files that were spoilt since, and takes over right ones that came otherwise', async () => {
    test.server.model(FILES);
    await test.pull();
    await writeFile(join(test.folder, 'config.json'), 'spoilt');
    expect((await test.pull()).files.map(({ state }) => state)).toEqual([
      'downloaded',
      'already there',
      'already there',
    ]);
    const other = join(test.scratch, 'other');
    await mkdir(other);
    await writeFile(join(other, 'model.safetensors'), WEIGHTS);
    expect((await test.pull({ folder: other })).files.map(({ state }) => state)).toEqual([
      'downloaded',
      'downloaded',
      'already there',
    ]);
  });

  it('of a file in the way, or of one that the converter would take instead, changes nothing', async () => {
    test.server.model({ 'config.json': '{}', 'tokenizer.json': '{}', 'pytorch_model.bin': WEIGHTS });
    for (const name of ['config.json', 'model.safetensors', 'space.json']) {
      const folder = join(test.scratch, name);
      await mkdir(folder);
      await writeFile(join(folder, name), 'mine');
      await expect(test.pull({ folder })).rejects.toMatchObject({
        code: 'FILE_IN_THE_WAY',
        retry: 'permanent',
        path: join(folder, name),
      });
      expect(await readFile(join(folder, name), 'utf8')).toBe('mine');
      expect(existsSync(join(folder, 'tokenizer.json'))).toBe(false);
    }
    await mkdir(join(test.folder, 'config.json'), { recursive: true });
    await expect(test.pull()).rejects.toMatchObject({ code: 'FILE_IN_THE_WAY' });
  });

  it('of another model into the same folder is refused, done or not', async () => {
    test.server.model(FILES);
    test.server.model(FILES, { id: 'example/other' });
    test.server.plan('hub config.json', status(404));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', missing: 'file' });
    await expect(test.pull({ id: 'example/other' })).rejects.toMatchObject({
      code: 'OTHER_MODEL',
      held: 'example/mine',
      wanted: 'example/other',
    });
    await test.pull();
    await expect(test.pull({ id: 'example/other' })).rejects.toMatchObject({ code: 'OTHER_MODEL' });
  });

  it('of another revision replaces and removes what the first one left, also after a cut', async () => {
    const { 'model.safetensors': weights = '', ...small } = FILES;
    test.server.model(FILES);
    test.server.model(
      { ...small, 'config.json': '{"model_type":"roberta"}', 'pytorch_model.bin': weights },
      { commit: SECOND, revisions: ['v2'] },
    );
    await test.pull();
    test.server.plan('store pytorch_model.bin', status(404));
    await expect(test.pull({ revision: 'v2' })).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', missing: 'file' });
    expect(test.files()).not.toContain('pulled.json');
    const { commit } = await test.pull({ revision: 'v2' });
    expect(commit).toBe(SECOND);
    expect(test.files()).toEqual(['config.json', 'pulled.json', 'pytorch_model.bin', 'tokenizer.json']);
    expect(test.read('config.json').toString()).toContain('roberta');
  });

  it.each([
    ['pulled.json', '{'],
    ['pulled.json', '{"id":"example/mine","commit":"x","files":{"../../x":{"bytes":1,"sha256":"y"}}}'],
    ['.pull/claim.json', '{"id":"example/mine","files":["../x"]}'],
  ])('with notes in %s that are not ours is refused: %s', async (name, text) => {
    test.server.model(FILES);
    await mkdir(join(test.folder, '.pull'), { recursive: true });
    await writeFile(join(test.folder, name), text);
    await expect(test.pull()).rejects.toMatchObject({ code: 'INVALID_PULL_RECORD', file: join(test.folder, name) });
  });

  it('counts the bytes that are there already towards the free ones', async () => {
    test.server.model(FILES);
    test.server.plan('store model.safetensors', cutAt(2_000, test.partial('model.safetensors')), status(404));
    await expect(test.pull()).rejects.toMatchObject({ code: 'HUB_NOT_FOUND' });
    await expect(test.pull({ freeBytes: async () => 2_999 })).rejects.toMatchObject({
      code: 'PULL_SPACE',
      retry: 'permanent',
      needed: 3_000,
      available: 2_999,
    });
    await test.pull({ freeBytes: async () => 3_000 });
  });

  it('stops where it is, keeps the bytes, and says how to go on', async () => {
    test.server.model(FILES);
    const controller = new AbortController();
    test.server.plan(
      'store model.safetensors',
      ({ response, headers, content }) => void response.writeHead(200, headers).write(content.subarray(0, 2_000)),
    );
    const onProgress = ({ bytes }: { readonly bytes: number }): void => {
      if (bytes > 2_000) controller.abort();
    };
    await expect(test.pull({ stop: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'STOPPED',
      message: expect.stringContaining('goes on'),
    });
    expect(test.files()).toEqual([
      '.pull/claim.json',
      '.pull/model.safetensors.partial',
      '.pull/model.safetensors.partial.json',
      'config.json',
      'tokenizer.json',
    ]);
    await test.pull();
    expect(test.asked('model.safetensors')).toEqual([undefined, 'bytes=2000-']);
  });
});

describe('a listing', () => {
  it.each(['../evil', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'a\0b'])(
    'with the name %j is refused whole, and nothing is written',
    async (name) => {
      test.server.model(FILES, { listing: (honest) => [...honest, { rfilename: name, size: 1 }] });
      await expect(test.pull()).rejects.toMatchObject({ code: 'UNSAFE_FILE_NAME', file: name });
      expect(existsSync(test.folder)).toBe(false);
    },
  );

  it.each([
    '<html>',
    '[]',
    '{"siblings":[]}',
    '{"sha":"main","siblings":[]}',
    `{"sha":"${COMMIT}","siblings":[{"rfilename":1}]}`,
    `{"sha":"${COMMIT}","siblings":[{"rfilename":"a","size":-1}]}`,
  ])('that is none is refused: %s', async (text) => {
    test.server.plan('listing', instead(Buffer.from(text)));
    await expect(test.pull()).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: expect.stringContaining('not a listing'),
    });
  });

  it('of another commit than the asked one is refused', async () => {
    test.server.plan('listing', instead(Buffer.from(JSON.stringify({ sha: COMMIT, siblings: [] }))));
    await expect(test.pull({ revision: SECOND })).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: `commit ${COMMIT} instead of ${SECOND}`,
    });
  });

  it('without end is stopped', async () => {
    const left = new Promise<void>((resolve) => test.server.plan('listing', endless(resolve)));
    await expect(test.pull()).rejects.toMatchObject({
      code: 'INVALID_HUB_ANSWER',
      reason: expect.stringContaining('more than'),
    });
    await left;
  });

  it('of a model or revision that is not there says which', async () => {
    test.server.model(FILES);
    await expect(test.pull({ id: 'example/none' })).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', missing: 'model' });
    await expect(test.pull({ revision: 'none' })).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', missing: 'revision' });
    expect(existsSync(test.folder)).toBe(false);
  });

  it('is asked for again where the hub is busy', async () => {
    test.server.model(FILES);
    test.server.plan('listing', status(503, { 'retry-after': '3' }), ({ response }) => void response.destroy());
    const { pace, waits } = hurried();
    await test.pull({ pace });
    expect(waits).toEqual([3_000, 2_000]);
  });

  it('asks by the revision’s own name', async () => {
    test.server.model(FILES, { revisions: ['refs/pr/1'] });
    expect(await test.pull({ revision: 'refs/pr/1' })).toMatchObject({ revision: 'refs/pr/1', commit: COMMIT });
  });

  it('of no checkpoint leaves no folder but one that was there before', async () => {
    test.server.model({ 'README.md': '' });
    const there = join(test.scratch, 'there');
    await mkdir(there);
    for (const folder of [join(there, 'a/b'), there])
      await expect(test.pull({ folder })).rejects.toMatchObject({ code: 'NOT_A_CHECKPOINT', retry: 'permanent' });
    expect(await readdir(there)).toEqual([]);
  });

  it('with an index beyond any real one is not read', async () => {
    test.server.model(
      { ...FILES, 'modules.json': '[]' },
      {
        listing: (honest) =>
          honest.map((file) => (file['rfilename'] === 'modules.json' ? { ...file, size: 2 ** 30 } : file)),
      },
    );
    await expect(test.pull()).rejects.toMatchObject({ code: 'INVALID_REPOSITORY_FILE', file: 'modules.json' });
  });
});

describe('a model folder', () => {
  const folder = async (): Promise<Record<string, Buffer>> => {
    const space = await readFile(join(minilm, 'space.json'));
    const recorded = z.looseObject({ files: z.record(z.string(), z.unknown()) }).parse(JSON.parse(space.toString()));
    const entries = Object.keys(recorded.files)
      .filter((name) => name !== 'onnx/model.onnx_data')
      .map(async (name) => [name, await readFile(join(minilm, name))] as const);
    const data = noise(300);
    recorded.files['onnx/model.onnx_data'] = { bytes: data.length, sha256: sha256(data) };
    return {
      ...Object.fromEntries(await Promise.all(entries)),
      'onnx/model.onnx_data': data,
      'space.json': Buffer.from(JSON.stringify(recorded)),
      'README.md': Buffer.from(''),
    };
  };

  it('comes whole', async () => {
    const files = await folder();
    test.server.model(files);
    expect(await test.pull()).toMatchObject({ kind: 'model' });
    expect(test.files()).toEqual([...Object.keys(files).filter((name) => name !== 'README.md'), 'pulled.json'].sort());
  });

  it('is refused where a file is not the one of its space.json', async () => {
    test.server.model({ ...(await folder()), 'config.json': '{}' });
    await expect(test.pull()).rejects.toMatchObject({
      code: 'PINNED_FILE',
      voucher: 'space.json',
      file: 'config.json',
      what: 'bytes',
    });
  });
});

it('the token goes to the hub alone', async () => {
  test.server.model(FILES);
  await test.pull({ environment: { ...test.server.environment, HF_TOKEN: 'hf_secret' } });
  for (const { what, authorization } of test.server.requests)
    expect(authorization).toBe(what.startsWith('store') ? undefined : 'Bearer hf_secret');
});

it('a mirror may lie below a path', async () => {
  let url: string | undefined;
  test.server.plan('hub ', ({ response, request }) => {
    url = request.url;
    send(response, 404, {}, Buffer.alloc(0));
  });
  await expect(test.pull({ environment: { HF_ENDPOINT: `${test.server.endpoint}/mirror` } })).rejects.toMatchObject({
    code: 'HUB_NOT_FOUND',
    missing: 'model or revision',
  });
  expect(url).toBe('/mirror/api/models/example/mine/revision/main?blobs=true');
});

it('nothing is asked offline', async () => {
  await expect(test.pull({ environment: { ...test.server.environment, HF_HUB_OFFLINE: '1' } })).rejects.toMatchObject({
    code: 'HUB_OFFLINE',
  });
  expect(test.server.requests).toEqual([]);
  expect(existsSync(test.folder)).toBe(false);
});
