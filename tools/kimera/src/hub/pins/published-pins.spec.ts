import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { COMMIT, sha256, stallAt } from '../hub-server.fixture.js';
import { FILES, hurried, noise, PullTest, WEIGHTS } from '../pull.fixture.js';
import { pinsOf, publishedPins, type PinnedModel } from './published-pins.js';

const SECOND = 'b'.repeat(40);
let test: PullTest;
beforeEach(async () => {
  test = await PullTest.start();
});
afterEach(() => test.end());

describe('pins', () => {
  const pinned: PinnedModel = {
    id: 'example/mine',
    commit: COMMIT,
    files: {
      'model.safetensors': { bytes: 5_000, sha256: sha256(WEIGHTS) },
      'config.json': { sha256: sha256(Buffer.from(FILES['config.json'] ?? '')) },
    },
  };
  const withoutWeights = Object.fromEntries(Object.entries(FILES).filter(([name]) => name !== 'model.safetensors'));

  it('give the default revision, and name nothing else', async () => {
    test.server.model(FILES, { revisions: [] });
    test.server.model({ ...FILES, 'config.json': '{}' }, { commit: SECOND });
    expect(await test.pull({ pins: [pinned] })).toMatchObject({ revision: COMMIT, commit: COMMIT, pins: 'commit' });
    expect(await test.pull({ pins: [pinned], revision: 'main', folder: `${test.folder}-main` })).toMatchObject({
      revision: 'main',
      commit: SECOND,
      pins: 'none',
    });
    expect(await test.pull({ pins: [{ ...pinned, id: 'Example/Mine' }] })).toMatchObject({ pins: 'commit' });
  });

  it('hold for a branch that is at the pinned commit', async () => {
    test.server.model({ ...FILES, 'config.json': '{}' });
    await expect(test.pull({ pins: [pinned], revision: 'main' })).rejects.toMatchObject({ code: 'PINNED_FILE' });
  });

  it.each([
    ['size', { size: 4_999 }, 'bytes', '4999'],
    ['SHA-256', { lfs: { sha256: '0'.repeat(64), size: 5_000 } }, 'SHA-256', '0'.repeat(64)],
  ])('refuse another %s in the listing before anything is fetched', async (_what, change, what, actual) => {
    test.server.model(FILES, {
      listing: (honest) =>
        honest.map((file) => (file['rfilename'] === 'model.safetensors' ? { ...file, ...change } : file)),
    });
    await expect(test.pull({ pins: [pinned] })).rejects.toMatchObject({
      code: 'PINNED_FILE',
      retry: 'permanent',
      voucher: 'published pins',
      file: 'model.safetensors',
      what,
      actual,
    });
    expect(test.server.requests.map(({ what: asked }) => asked)).toEqual(['listing']);
    expect(existsSync(test.folder)).toBe(false);
  });

  it.each([[5_001], [5_000]])(
    'refuse another file of %i bytes that only its answer tells of, without its bytes',
    async (bytes) => {
      test.server.model(
        { ...FILES, 'model.safetensors': noise(6_000).subarray(6_000 - bytes) },
        { listing: (honest) => honest.map(({ rfilename }) => ({ rfilename })) },
      );
      test.server.plan('store model.safetensors', stallAt(0), stallAt(0));
      await expect(
        test.pull({ pins: [pinned], pace: hurried({ idleMilliseconds: 5_000 }).pace }),
      ).rejects.toMatchObject({ code: 'PINNED_FILE', file: 'model.safetensors' });
    },
  );

  it('refuse another content that the listing agrees with', async () => {
    test.server.model({ ...FILES, 'config.json': '{"model_type":"BERT"}' });
    await expect(test.pull({ pins: [pinned] })).rejects.toMatchObject({
      code: 'PINNED_FILE',
      file: 'config.json',
      what: 'SHA-256',
    });
    expect(test.asked('config.json')).toHaveLength(2);
    expect(test.files().filter((name) => name.includes('config.json'))).toEqual([]);
  });

  it('let no weights, heads or space.json take the place of what they name', async () => {
    test.server.model({
      ...FILES,
      'sparse_linear.pt': 'evil',
      'space.json': '{}',
      'modules.json': '[]',
      'vocab.txt': 'a',
    });
    const { kind, files } = await test.pull({ pins: [pinned] });
    expect({ kind, names: files.map(({ path }) => path).sort() }).toEqual({
      kind: 'checkpoint',
      names: ['config.json', 'model.safetensors', 'modules.json', 'tokenizer.json', 'vocab.txt'],
    });
  });

  it('ask for a file that the listing leaves out', async () => {
    test.server.model(withoutWeights);
    await expect(test.pull({ pins: [pinned] })).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', missing: 'file' });
  });

  it('are there for two models', () => {
    const pins = publishedPins();
    expect(pins.map(({ id, files }) => [id, Object.keys(files).length])).toEqual([
      ['BAAI/bge-m3', 12],
      ['sentence-transformers/all-MiniLM-L6-v2', 12],
    ]);
    expect(pinsOf(pins, 'baai/BGE-M3')?.files['sparse_linear.pt']).toEqual({
      bytes: 3_516,
      sha256: '45c93804d2142b8f6d7ec6914ae23a1eee9c6a1d27d83d908a20d2afb3595ad9',
    });
    expect(pinsOf(pins, 'example/mine')).toBeUndefined();
  });
});
