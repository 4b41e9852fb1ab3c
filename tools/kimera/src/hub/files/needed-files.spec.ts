import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { minilm } from '../../run-kimera.fixture.js';
import { checkListedName, checkNeededName } from './file-name.js';
import { neededFiles, type NeededFiles } from './needed-files.js';

const BASE = { 'config.json': '{}', 'tokenizer.json': '{}' };
const needed = (files: Readonly<Record<string, string>>): Promise<NeededFiles> =>
  neededFiles({ has: (name) => Object.hasOwn(files, name), read: async (name) => files[name] ?? '' });
const names = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> =>
  [...(await needed({ ...BASE, ...files })).names].sort();
const modules = (...entries: readonly (readonly [type: string, path: string])[]): string =>
  JSON.stringify(
    [['models.Transformer', ''], ...entries].map(([type, path], idx) => ({
      idx,
      name: `${idx}`,
      path,
      type: `sentence_transformers.${type}`,
    })),
  );
const index = (...shards: readonly string[]): string =>
  JSON.stringify({
    metadata: { total_size: 1 },
    weight_map: Object.fromEntries(shards.map((shard, i) => [`tensor${i}`, shard])),
  });

describe('the files of a checkpoint', () => {
  it('are configuration, tokenizer, heads and one kind of weights', async () => {
    const small = Object.fromEntries(
      [
        'tokenizer_config.json',
        'special_tokens_map.json',
        'sentence_bert_config.json',
        'config_sentence_transformers.json',
        'vocab.txt',
        'sparse_linear.pt',
        'colbert_linear.pt',
        'README.md',
      ].map((name) => [name, '']),
    );
    const others = Object.fromEntries(
      [
        'notes.md',
        'sentencepiece.bpe.model',
        'onnx/model.onnx',
        'pytorch_model.bin',
        'imgs/x.png',
        '.gitattributes',
        'flax_model.msgpack',
      ].map((name) => [name, '']),
    );
    expect(await names({ ...small, ...others, 'model.safetensors': '' })).toEqual(
      [...Object.keys(BASE), ...Object.keys(small), 'model.safetensors'].sort(),
    );
  });

  it.each([
    [
      ['model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'],
      ['model.safetensors'],
    ],
    [
      ['model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'],
      ['a.shard', 'b.shard', 'model.safetensors.index.json'],
    ],
    [['pytorch_model.bin', 'pytorch_model.bin.index.json'], ['pytorch_model.bin']],
    [['pytorch_model.bin.index.json'], ['a.shard', 'b.shard', 'pytorch_model.bin.index.json']],
  ])('of %j takes %j', async (weights, taken) => {
    const files = {
      ...Object.fromEntries(weights.map((name) => [name, index('a.shard', 'b.shard', 'a.shard')])),
      'a.shard': '',
      'b.shard': '',
    };
    expect(await names(files)).toEqual([...Object.keys(BASE), ...taken].sort());
  });

  it('are those of the modules, in the folders that modules.json names', async () => {
    const files = {
      'model.safetensors': '',
      'modules.json': modules(
        ['models.Pooling', '1_Pooling'],
        ['sentence_transformer.modules.dense.Dense', './2_Dense/'],
        ['models.Normalize', '3_Normalize'],
        ['models.Dense', '4_Dense'],
      ),
      ...Object.fromEntries(
        [
          '1_Pooling/config.json',
          '1_Pooling/other',
          '2_Dense/config.json',
          '2_Dense/pytorch_model.bin',
          '2_Dense/model.safetensors',
          '4_Dense/config.json',
          '4_Dense/model.safetensors.index.json',
          '4_Dense/one',
        ].map((name) => [name, index('one')]),
      ),
    };
    expect((await names(files)).filter((name) => name.includes('/'))).toEqual([
      '1_Pooling/config.json',
      '2_Dense/config.json',
      '2_Dense/model.safetensors',
      '4_Dense/config.json',
      '4_Dense/model.safetensors.index.json',
      '4_Dense/one',
    ]);
  });

  it('are those of the folder that modules.json names for the Transformer, not the ones at the top', async () => {
    const transformer = JSON.stringify([
      { idx: 0, name: '0', path: '0_Transformer', type: 'sentence_transformers.models.Transformer' },
    ]);
    const inner = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'sentence_roberta_config.json'];
    const files = {
      'modules.json': transformer,
      'config_sentence_transformers.json': '{}',
      'model.safetensors': '',
      '0_Transformer/model.safetensors': '',
      ...Object.fromEntries(inner.map((name) => [`0_Transformer/${name}`, ''])),
    };
    expect(await names(files)).toEqual(
      [
        'modules.json',
        'config_sentence_transformers.json',
        ...[...inner, 'model.safetensors'].map((name) => `0_Transformer/${name}`),
      ].sort(),
    );
  });

  it.each([
    [['vocab.txt']],
    [['sentencepiece.bpe.model']],
    [['vocab.json', 'merges.txt']],
    [['tokenizer.json', 'vocab.txt', 'added_tokens.json', 'adapter_config.json', 'adapter_model.safetensors']],
  ])('take %j', async (others) => {
    const files = Object.fromEntries(['config.json', 'model.safetensors', ...others].map((name) => [name, '']));
    expect([...(await needed(files)).names].sort()).toEqual(Object.keys(files).sort());
  });

  it.each([
    ['no configuration', { 'model.safetensors': '', 'config.json': undefined }, ['config.json']],
    [
      'no tokenizer, no weights',
      { 'tokenizer.json': undefined, 'tf_model.h5': '' },
      [expect.stringMatching(/^tokenizer.json or .*vocab.txt$/), expect.stringContaining('model.safetensors or')],
    ],
    ['a shard too few', { 'model.safetensors.index.json': index('one', 'two'), one: '' }, ['two']],
    [
      'a module without configuration',
      { 'model.safetensors': '', 'modules.json': modules(['models.Pooling', '1_Pooling']) },
      ['1_Pooling/config.json'],
    ],
    [
      'a Dense module without weights',
      { 'model.safetensors': '', 'modules.json': modules(['models.Dense', '1_Dense']), '1_Dense/config.json': '{}' },
      [expect.stringMatching(/^1_Dense\/model.safetensors or 1_Dense/)],
    ],
  ])('refused with %s', async (_what, change, missing) => {
    const files = Object.fromEntries(
      Object.entries({ ...BASE, ...change }).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
    );
    await expect(needed(files)).rejects.toMatchObject({ code: 'NOT_A_CHECKPOINT', missing });
  });

  it.each([
    ['modules.json', '{'],
    ['modules.json', '{"path":""}'],
    ['model.safetensors.index.json', '[]'],
    ['model.safetensors.index.json', '{"weight_map":{"a":1}}'],
  ])('refused with %s of %s', async (file, text) => {
    const files = { ...BASE, ...(file === 'modules.json' ? { 'model.safetensors': '' } : {}), [file]: text };
    await expect(needed(files)).rejects.toMatchObject({ code: 'INVALID_REPOSITORY_FILE', file });
  });

  it.each(['../../out', '/etc', 'a\\b', '.git/hooks', 'C:/x'])('refused where a module lies in %s', async (path) => {
    await expect(
      needed({ ...BASE, 'model.safetensors': '', 'modules.json': modules(['models.Pooling', path]) }),
    ).rejects.toMatchObject({ code: 'UNSAFE_FILE_NAME' });
  });

  it.each(['../out', '/etc/passwd', 'sub/shard', '.hidden', 'a\\b', '', 'pulled.json'])(
    'refused where a shard is named %j',
    async (shard) => {
      await expect(
        needed({ ...BASE, 'model.safetensors.index.json': index(shard), [shard]: '' }),
      ).rejects.toMatchObject({ code: 'UNSAFE_FILE_NAME' });
    },
  );
});

describe('the files of a model folder', () => {
  const space = readFileSync(join(minilm, 'space.json'), 'utf8');
  const recorded = Object.keys(z.object({ files: z.looseObject({}) }).parse(JSON.parse(space)).files);

  it('are all that its space.json lists', async () => {
    const result = await needed({
      'space.json': space,
      ...Object.fromEntries(recorded.map((name) => [name, ''])),
      'README.md': '',
    });
    expect(result.kind).toBe('model');
    expect([...result.names].sort()).toEqual([...recorded, 'space.json'].sort());
    expect(result.recorded['config.json']?.bytes).toBe(712);
  });

  it('refused where one is missing, or leads out of the folder', async () => {
    await expect(needed({ 'space.json': space })).rejects.toMatchObject({
      code: 'NOT_A_CHECKPOINT',
      missing: recorded,
    });
    await expect(
      needed({
        'space.json': space.replace('"vocab.txt"', '"../vocab.txt"').replace('"config.json"', '"../config.json"'),
      }),
    ).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
    await expect(needed({ 'space.json': space.replace('"config.json"', '".ssh/config"') })).rejects.toMatchObject({
      code: 'UNSAFE_FILE_NAME',
    });
    await expect(needed({ 'space.json': '{}' })).rejects.toMatchObject({ code: 'INVALID_SPACE_FILE' });
  });
});

describe('names of files', () => {
  it.each([
    '',
    '/x',
    '../x',
    'a/../x',
    'a/..',
    './a',
    'a//b',
    'a/',
    'a\\b',
    'a\0b',
    'a\u001b[31m',
    'a\nb',
    'x'.repeat(1_025),
  ])('%j cannot stand in a listing', (name) => {
    expect(() => checkListedName(name)).toThrow(
      expect.objectContaining({ code: 'UNSAFE_FILE_NAME', retry: 'permanent', file: name }),
    );
  });
  it.each(['.gitattributes', 'a/.b', 'C:x', 'pulled.json', 'PULLED.json', '.pull/x', '.pull.lock'])(
    '%j may stand there, and is not written',
    (name) => {
      expect(checkListedName(name)).toBe(name);
      expect(() => checkNeededName(name)).toThrow(expect.objectContaining({ code: 'UNSAFE_FILE_NAME' }));
    },
  );
  it.each(['config.json', '1_Pooling/config.json', 'model-00001-of-00003.safetensors', 'a..b', 'ü.json'])(
    '%j is one',
    (name) => {
      expect(checkNeededName(name)).toBe(name);
    },
  );
});
