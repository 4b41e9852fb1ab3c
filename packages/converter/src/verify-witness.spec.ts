import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spaceFingerprint } from '@kimera/core';
import type { SpaceFile } from '@kimera/model-folder';
import { readWitness } from '@kimera/reference-encoder';
import { convertCheckpoint } from './convert-checkpoint.js';
import { checkpoints, openPlainBackend } from './fixtures.fixture.js';
import { verifyModel } from './verify-model.js';

const source = join(checkpoints, 'bert-tiny-mean');
let scratch = '';
let folder = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-witness-'));
  folder = join(scratch, 'model');
  await convertCheckpoint({ source, out: folder, variant: 'fp32', openBackend: openPlainBackend });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The witness's lines that fail, without what it says of them. */
async function failing(model: string, checkpoint: string): Promise<readonly string[]> {
  const rows = await verifyModel({ folder: model, checkpoint, openBackend: openPlainBackend });
  expect(rows.filter(({ check }) => check.startsWith('witness')).length).toBeGreaterThan(15);
  return rows.filter(({ check, holds }) => check.startsWith('witness') && !holds).map(({ check }) => check.slice(9));
}

type Json = Record<string, unknown>;
const readJson = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json;
async function edit(path: string, change: (content: Json) => unknown): Promise<void> {
  await writeFile(
    path,
    JSON.stringify(
      change(
        await readFile(path, 'utf8').then(
          (text) => JSON.parse(text) as Json,
          () => ({}),
        ),
      ),
    ),
  );
}

it('holds line by line for a conversion that read the checkpoint rightly, and says what it does not see', async () => {
  const rows = await verifyModel({ folder, checkpoint: source, openBackend: openPlainBackend });
  expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  expect(rows.find(({ check }) => check === 'witness: not seen')?.actual).toBe('nothing that the files name');
});

describe('a folder whose conversion misread the checkpoint', () => {
  let count = 0;
  /** The same model folder against a checkpoint in which one thing is otherwise. */
  const against = async (change: (checkpoint: string) => Promise<void>): Promise<readonly string[]> => {
    const checkpoint = join(scratch, `checkpoint-${count++}`);
    await cp(source, checkpoint, { recursive: true });
    await change(checkpoint);
    return failing(folder, checkpoint);
  };

  it.each<readonly [string, readonly [string, (content: Json) => unknown], readonly string[]]>([
    [
      'pooling',
      ['1_Pooling/config.json', (c) => ({ ...c, pooling_mode_mean_tokens: false, pooling_mode_cls_token: true })],
      ['pooling', 'vectors, capitals'],
    ],
    [
      'limit',
      ['sentence_bert_config.json', (c) => ({ ...c, max_seq_length: 20 })],
      ['limit', 'token ids, over the limit', 'vectors, over the limit'],
    ],
    [
      'casing',
      ['tokenizer_config.json', (c) => ({ ...c, do_lower_case: false, tokenizer_class: 'BertTokenizer' })],
      ['casing', 'token ids, capitals', 'vectors, capitals'],
    ],
    [
      'accents',
      [
        'tokenizer_config.json',
        (c) => ({ ...c, strip_accents: false, do_lower_case: true, tokenizer_class: 'BertTokenizer' }),
      ],
      ['casing', 'token ids, accents', 'vectors, accents'],
    ],
    [
      'truncation side',
      ['tokenizer_config.json', (c) => ({ ...c, truncation_side: 'left' })],
      ['long texts lose', 'token ids, over the limit', 'vectors, over the limit'],
    ],
    [
      'prompt of queries',
      ['config_sentence_transformers.json', (c) => ({ ...c, prompts: { query: 'query: ' } })],
      ['prompt query', 'token ids, prompt query', 'vectors, prompt query'],
    ],
    [
      'another prompt',
      ['config_sentence_transformers.json', (c) => ({ ...c, prompts: { sts: 'compare: ' } })],
      ['prompt sts', 'token ids, prompt sts'],
    ],
    [
      'default prompt',
      [
        'config_sentence_transformers.json',
        (c) => ({ ...c, prompts: { query: 'query: ' }, default_prompt_name: 'query' }),
      ],
      ['prompt of a text without a role', 'token ids, capitals'],
    ],
    [
      'truncate_dim',
      ['config_sentence_transformers.json', (c) => ({ ...c, truncate_dim: 16 })],
      ['dimension', 'normalised', 'vectors, capitals'],
    ],
    ['heads', ['config.json', (c) => ({ ...c, num_attention_heads: 2 })], ['encoder', 'vectors, capitals']],
    ['activation', ['config.json', (c) => ({ ...c, hidden_act: 'relu' })], ['vectors, capitals']],
    ['epsilon', ['config.json', (c) => ({ ...c, layer_norm_eps: 0.05 })], ['vectors, capitals']],
    [
      'normalisation',
      ['modules.json', (c) => (c as unknown as readonly unknown[]).slice(0, 2)],
      ['normalised', 'vectors, capitals'],
    ],
  ])('%s', async (_, [file, change], lines) => {
    const found = await against((checkpoint) => edit(join(checkpoint, file), change));
    expect(found).toEqual(expect.arrayContaining([...lines]));
  });

  it.each<readonly [string, Partial<SpaceFile['identity']>, readonly string[]]>([
    ['limit', { maxTokens: 40 }, ['limit', 'token ids, over the limit']],
    ['prompts', { prompts: { query: 'q: ', document: 'd: ' } }, ['prompt query', 'prompt document']],
    [
      'default role',
      { prompts: { query: 'q: ', document: '' }, defaultRole: 'query' },
      ['prompt of a text without a role', 'token ids, capitals'],
    ],
    ['pooling', { pooling: ['cls'] }, ['pooling']],
    ['normalisation', { normalize: false }, ['normalised']],
  ])('space.json says another %s', async (_, change, lines) => {
    const changed = join(scratch, `model-${count++}`);
    await cp(folder, changed, { recursive: true });
    const file = readJson(join(changed, 'space.json')) as unknown as SpaceFile;
    const identity = { ...file.identity, ...change };
    await writeFile(
      join(changed, 'space.json'),
      JSON.stringify({ ...file, identity, fingerprint: await spaceFingerprint(identity) }),
    );
    expect(await failing(changed, source)).toEqual(expect.arrayContaining([...lines]));
  });
});

it('names the keys that the witness does not know', async () => {
  const checkpoint = join(scratch, 'unknown-keys');
  await cp(source, checkpoint, { recursive: true });
  await edit(join(checkpoint, 'config_sentence_transformers.json'), () => ({ prompt_template: 'x' }));
  await edit(join(checkpoint, 'config.json'), (c) => ({ ...c, is_decoder: true, hidden_scale: 2 }));
  const witness = await readWitness(checkpoint);
  await witness.close();
  expect(witness.notSeen).toEqual([
    'config.json: is_decoder',
    'config.json: hidden_scale',
    'config_sentence_transformers.json: prompt_template',
  ]);
});
