import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxAbsDifference, tokenBatch } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { parseTokenizer } from '@kimera/tokenizers';
import { architectureOf } from './architectures/index.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { convertCheckpoint, NotFourBitError, OutputExistsError, UnsupportedModelError, verifyModel } from './index.js';
import { checkpointNames, checkpoints, decodeVector, goldenCases, openPlainBackend, portableHiddenStates } from './fixtures.fixture.js';
import { ReferenceModel } from './reference/reference-model.js';

/** PROVENANCE.md of the goldens: an fp32 runtime against sentence-transformers. */
const FP32_RUNTIME = 2e-5;

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-converter-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe.each(checkpointNames)('%s', (name) => {
  const source = join(checkpoints, name);

  it('has the vectors of sentence-transformers by the forward pass, the fast graph and the portable graph', async () => {
    const checkpoint = await openCheckpoint(source);
    const model = new ReferenceModel(checkpoint, architectureOf(checkpoint));
    const folder = await convertCheckpoint({ source, out: join(scratch, name), variant: 'fp32', openBackend: openPlainBackend });
    const backend = await openPlainBackend(folder);
    const cases = goldenCases(source);
    expect(cases.length).toBeGreaterThan(3);
    for (const { input_ids, embedding } of cases) {
      const expected = decodeVector(embedding);
      expect(maxAbsDifference(await model.embed(input_ids), expected)).toBeLessThan(FP32_RUNTIME);
      const { dense = [] } = await backend.run(tokenBatch([input_ids]), { heads: ['dense'] });
      expect(maxAbsDifference(dense, expected)).toBeLessThan(FP32_RUNTIME);
    }
    const ids = cases.map(({ input_ids }) => input_ids).sort((a, b) => b.length - a.length)[0] ?? [];
    const plain = await portableHiddenStates(folder, ids, 0);
    expect(maxAbsDifference(await portableHiddenStates(folder, ids, Math.min(7, model.shape.maxPositions - ids.length)), plain)).toBeLessThan(FP32_RUNTIME);
    const weights = new Map<string, Float32Array>();
    for (const plan of model.plans()) weights.set(plan.name, await model.read(plan));
    expect(maxAbsDifference(model.architecture.reference(weights, model.shape, ids), plain)).toBeLessThan(FP32_RUNTIME);
    await backend.close();
    await checkpoint.tensors.close();
  });

  it('has the token ids of sentence-transformers, its limit included', async () => {
    const { tokenizerJson, tensors } = await openCheckpoint(source);
    await tensors.close();
    const tokenizer = parseTokenizer(tokenizerJson, name);
    const { space } = await openModelFolder(join(scratch, name));
    const cases = goldenCases(source);
    for (const { text, input_ids } of cases) expect([...tokenizer.encode(text, { maxTokens: space.maxTokens }).ids]).toEqual(input_ids);
  });
});

describe('convertCheckpoint', () => {
  const source = join(checkpoints, 'bert-tiny-mean');
  const convert = (out: string, variant: 'fp32' | 'fp16' | 'q4' = 'fp32') => convertCheckpoint({ source, out: join(scratch, out), variant, openBackend: openPlainBackend });

  it('writes the same bytes twice, and every line of its verification holds', async () => {
    await convert('once');
    await convert('twice');
    expect(await digests(join(scratch, 'once'))).toEqual(await digests(join(scratch, 'twice')));
    const rows = await verifyModel({ folder: join(scratch, 'once'), openBackend: openPlainBackend, checkpoint: source });
    expect(rows.length).toBe(7);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
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
    const other = join(scratch, 'dense-module');
    await cp(source, other, { recursive: true });
    const modules = JSON.parse(await readFile(join(other, 'modules.json'), 'utf8'));
    modules.push({ idx: 9, name: '9', path: '9_Dense', type: 'sentence_transformers.models.Dense' });
    await writeFile(join(other, 'modules.json'), JSON.stringify(modules));
    await expect(convertCheckpoint({ source: other, out: join(scratch, 'never'), variant: 'fp32', openBackend: openPlainBackend })).rejects.toBeInstanceOf(UnsupportedModelError);
  });

  it('refuses a model whose text is lower-cased outside its tokenizer', async () => {
    const other = join(scratch, 'lower');
    await cp(source, other, { recursive: true });
    await writeFile(join(other, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 48, do_lower_case: true }));
    await expect(openCheckpoint(other)).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', feature: 'do_lower_case' });
  });

  it('refuses pooling that leaves the prompt out', async () => {
    const other = join(scratch, 'prompt');
    await cp(source, other, { recursive: true });
    await writeFile(join(other, '1_Pooling/config.json'), JSON.stringify({ pooling_mode: 'mean', include_prompt: false }));
    await expect(openCheckpoint(other)).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', feature: 'include_prompt' });
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
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  const pairs = await Promise.all(names.map(async (path) => [path.slice(folder.length), createHash('sha256').update(await readFile(path)).digest('hex')] as const));
  return Object.fromEntries(pairs);
}
