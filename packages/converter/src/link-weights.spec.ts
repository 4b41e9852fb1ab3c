import { cp, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LinkError } from './errors.js';
import { checkpoints, openPlainBackend, portableHiddenStates } from './fixtures.fixture.js';
import { verifyModel } from './verify-model.js';
import { convertCheckpoint } from './convert-checkpoint.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-link-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A copy, so that the link is within one file system; of shorter texts, since verification embeds one over the limit. */
async function checkpoint(name: string): Promise<string> {
  const source = join(scratch, `${name}-checkpoint`);
  await mkdir(source, { recursive: true });
  await cp(join(checkpoints, name), source, { recursive: true });
  // The backbone's folders without a tokenizer have that of bge-m3-tiny.
  for (const file of ['tokenizer.json', 'special_tokens_map.json'])
    await cp(join(checkpoints, 'bge-m3-tiny', file), join(source, file), { force: false });
  await writeFile(join(source, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 100 }));
  return source;
}

describe('linked weights', () => {
  // A torch zip with float16 heads, one and several safetensors files, sharded torch files, float16, bfloat16, and
  // views that have to be copied.
  it.each([
    ['bge-m3-tiny', ['pytorch_model.bin', 'sparse_linear.pt', 'colbert_linear.pt']],
    ['xlmr-tiny-safetensors', ['model.safetensors']],
    ['xlmr-tiny-sharded', []],
    ['xlmr-tiny-sharded-bin', []],
    ['xlmr-tiny-legacy-bin', ['pytorch_model.bin']],
    ['xlmr-tiny-f16', ['model.safetensors']],
    ['xlmr-tiny-bf16', ['model.safetensors']],
    ['xlmr-tiny-views-bin', []],
    ['xlmr-tiny-mixed', []],
  ])('%s gives the space and the vectors of its copy, from the same inode', async (name, linked) => {
    const source = await checkpoint(name);
    const convert = (weights: 'copy' | 'link') =>
      convertCheckpoint({
        source,
        out: join(scratch, `${name}-${weights}`),
        variant: 'fp32',
        weights,
        modelId: name,
        openBackend: openPlainBackend,
      });
    const [copy, link] = [await convert('copy'), await convert('link')];
    expect(link.space).toEqual(copy.space);
    expect(link.file.probes).toEqual(copy.file.probes);
    expect(link.file.variants[0]?.fidelity.minCosine).toBeGreaterThan(0.99999);
    for (const file of linked)
      expect((await stat(join(link.path, 'onnx', file))).ino).toBe((await stat(join(source, file))).ino);
    expect(
      (await verifyModel({ folder: link.path, openBackend: openPlainBackend, checkpoint: source })).filter(
        ({ holds }) => !holds,
      ),
    ).toEqual([]);
    const ids = [...(link.probes[1]?.ids ?? [])];
    const [portable, expected] = [
      await portableHiddenStates(link, ids, 3, 1),
      await portableHiddenStates(copy, ids, 3, 1),
    ];
    expect(Math.max(...portable.map((value, i) => Math.abs(value - (expected[i] ?? 0))))).toBeLessThan(1e-5);
  });

  it('links the file itself where the checkpoint has a symbolic link, as in the hub’s cache', async () => {
    const source = await checkpoint('bert-tiny-mean');
    const blob = join(scratch, 'blob');
    await rename(join(source, 'model.safetensors'), blob);
    await symlink(blob, join(source, 'model.safetensors'));
    const { path } = await convertCheckpoint({
      source,
      out: join(scratch, 'from-cache'),
      variant: 'fp32',
      weights: 'link',
      openBackend: openPlainBackend,
    });
    expect((await stat(join(path, 'onnx/model.safetensors'))).ino).toBe((await stat(blob)).ino);
  });

  it('notices that the checkpoint’s file was changed in place', async () => {
    const source = await checkpoint('bert-tiny-max');
    const { path } = await convertCheckpoint({
      source,
      out: join(scratch, 'changed'),
      variant: 'fp32',
      weights: 'link',
      openBackend: openPlainBackend,
    });
    const { size } = await stat(join(source, 'model.safetensors'));
    await writeFile(join(source, 'model.safetensors'), Buffer.alloc(64, 1), { flag: 'r+' });
    expect((await stat(join(path, 'onnx/model.safetensors'))).size).toBe(size);
    expect(
      (await verifyModel({ folder: path, openBackend: openPlainBackend })).find(({ check }) => check === 'file hashes'),
    ).toMatchObject({ holds: false });
  });

  it('takes the hash of a file that is vouched for as it is, and notices later that it was wrong', async () => {
    const source = await checkpoint('bert-tiny-mean');
    const bytes = (await stat(join(source, 'model.safetensors'))).size;
    const options = { source, variant: 'fp32', weights: 'link', openBackend: openPlainBackend } as const;
    const own = await convertCheckpoint({ ...options, out: join(scratch, 'own-hash') });
    const hash = own.file.files['onnx/model.safetensors'];
    const told = await convertCheckpoint({
      ...options,
      out: join(scratch, 'told'),
      vouched: { 'model.safetensors': { bytes, sha256: hash?.sha256 ?? '' } },
    });
    expect(told.file).toEqual({ ...own.file, modelId: told.file.modelId });
    const wrong = await convertCheckpoint({
      ...options,
      out: join(scratch, 'wrong'),
      vouched: { 'model.safetensors': { bytes, sha256: '0'.repeat(64) } },
    });
    expect(wrong.file.files['onnx/model.safetensors']?.sha256).toBe('0'.repeat(64));
    expect(
      (await verifyModel({ folder: wrong.path, openBackend: openPlainBackend })).find(
        ({ check }) => check === 'file hashes',
      ),
    ).toMatchObject({ holds: false });
  });

  it('says how to go on where the file system cannot link', () => {
    expect(new LinkError('/a', '/b', 'EXDEV')).toMatchObject({
      code: 'LINK',
      message: expect.stringContaining('without --link'),
    });
  });
});
