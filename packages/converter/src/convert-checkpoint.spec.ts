import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openModelFolder } from '@kimera/model-folder';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { convertCheckpoint, NotFourBitError, OutputExistsError, verifyModel } from './index.js';
import { checkpoints, openPlainBackend } from './fixtures.fixture.js';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-converter-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('convertCheckpoint', () => {
  const source = join(checkpoints, 'bert-tiny-mean');
  const convert = (out: string, variant: 'fp32' | 'fp16' | 'q4' = 'fp32') =>
    convertCheckpoint({ source, out: join(scratch, out), variant, openBackend: openPlainBackend });

  it('writes the same bytes twice, and every line of its verification holds', async () => {
    await convert('once');
    await convert('twice');
    expect(await digests(join(scratch, 'once'))).toEqual(await digests(join(scratch, 'twice')));
    const rows = await verifyModel({
      folder: join(scratch, 'once'),
      openBackend: openPlainBackend,
      checkpoint: source,
    });
    // Eight of the folder, 22 of the witness.
    expect(rows.length).toBe(30);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  });

  it('does not look at what it does not need: a link to nowhere beside the weights', async () => {
    const linked = join(scratch, 'with-a-link');
    await cp(source, linked, { recursive: true });
    await symlink(join(scratch, 'nowhere'), join(linked, 'optimizer.pt'));
    const folder = await convertCheckpoint({
      source: linked,
      out: join(scratch, 'from-linked'),
      variant: 'fp32',
      openBackend: openPlainBackend,
    });
    expect(folder.space.fingerprint).toBe((await openModelFolder(join(scratch, 'once'))).space.fingerprint);
  });

  it('gives a float16 variant the same space, and says what it loses', async () => {
    const [full, half] = [await openModelFolder(join(scratch, 'once')), await convert('half', 'fp16')];
    expect(half.space.fingerprint).toBe(full.space.fingerprint);
    expect(half.file.variants[0]?.fidelity.minCosine).toBeGreaterThan(0.999);
    expect(half.file.variants[0]?.fidelity.maxAbs).toBeGreaterThan(0);
  });

  it('refuses the 4-bit form of weights that are not 4-bit, an existing folder, and leaves no half folder', async () => {
    await expect(convert('four', 'q4')).rejects.toBeInstanceOf(NotFourBitError);
    await expect(convert('once')).rejects.toBeInstanceOf(OutputExistsError);
    expect((await readdir(scratch)).filter((entry) => entry.includes('partial') || entry === 'four')).toEqual([]);
  });

  it('refuses a module that it does not know', async () => {
    const other = join(scratch, 'lstm-module');
    await cp(source, other, { recursive: true });
    const modules = JSON.parse(await readFile(join(other, 'modules.json'), 'utf8')) as unknown[];
    modules.push({ idx: 9, name: '9', path: '9_LSTM', type: 'sentence_transformers.models.LSTM' });
    await writeFile(join(other, 'modules.json'), JSON.stringify(modules));
    await expect(
      convertCheckpoint({ source: other, out: join(scratch, 'never'), variant: 'fp32', openBackend: openPlainBackend }),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', feature: 'modules.json: the module', actual: 'LSTM' });
  });

  it('refuses an activation and a default prompt that it does not know', async () => {
    const change = async (from: string, name: string, file: string, text: string): Promise<string> => {
      const other = join(scratch, name);
      await cp(join(checkpoints, from), other, { recursive: true });
      await writeFile(join(other, file), text);
      return other;
    };
    const dense = { in_features: 32, out_features: 12, bias: true, activation_function: 'os.system' };
    await expect(
      openCheckpoint(await change('bert-tiny-dense-tanh', 'activation', '2_Dense/config.json', JSON.stringify(dense))),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', feature: '2_Dense/config.json: activation_function' });
    const prompts = { prompts: { clustering: 'cluster: ' }, default_prompt_name: 'classification' };
    await expect(
      openCheckpoint(
        await change('bert-tiny-prompts', 'default', 'config_sentence_transformers.json', JSON.stringify(prompts)),
      ),
    ).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION', file: 'config_sentence_transformers.json' });
  });

  it('notices one changed byte of the weights', async () => {
    const changed = join(scratch, 'changed');
    await cp(join(scratch, 'once'), changed, { recursive: true });
    const data = await readFile(join(changed, 'onnx/model.onnx_data'));
    data[1000] = (data[1000] ?? 0) ^ 0x40;
    await writeFile(join(changed, 'onnx/model.onnx_data'), data);
    const rows = await verifyModel({ folder: changed, openBackend: openPlainBackend });
    expect(rows.find(({ check }) => check === 'file hashes')?.holds).toBe(false);
  });
});

async function digests(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const pairs = await Promise.all(
    names.map(
      async (path) =>
        [
          path.slice(folder.length),
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        ] as const,
    ),
  );
  return Object.fromEntries(pairs);
}
