import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { convertCheckpoint } from '../convert-checkpoint.js';
import { checkpoints, openPlainBackend } from '../fixtures.fixture.js';
import { openCheckpointModel } from '../model/checkpoint-model.js';
import { openCheckpoint, type Checkpoint, type OpenCheckpointOptions } from './checkpoint.js';

/** Forms with what sentence-transformers gives for them are tested in tools/kimera/src/forms. */
const forms = join(checkpoints, '../checkpoint-forms');
let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-checkpoint-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

type Json = Readonly<Record<string, unknown>>;
let copies = 0;

/** A copy of a fixture with entries of JSON files replaced; `undefined` removes a file. */
async function changed(name: string, files: Readonly<Record<string, Json | undefined>>): Promise<string> {
  const folder = join(scratch, `${name}-${copies++}`);
  await cp(join(checkpoints, name), folder, { recursive: true });
  for (const [file, entries] of Object.entries(files)) {
    const path = join(folder, file);
    if (entries === undefined) {
      await rm(path);
      continue;
    }
    const before = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Json;
    await writeFile(path, JSON.stringify({ ...before, ...entries }));
  }
  return folder;
}

async function read(folder: string, options?: OpenCheckpointOptions): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder, options);
  await checkpoint.tensors.close();
  return checkpoint;
}

describe('keys that are not known', () => {
  it.each([
    ['config.json', { rope_theta: 10_000 }],
    ['sentence_bert_config.json', { pooled: true }],
    ['config_sentence_transformers.json', { whitening: 'w.npy' }],
    ['tokenizer_config.json', { do_word_split: true }],
    ['1_Pooling/config.json', { pooling_mode_attention: true }],
  ])(
    'of %s stop the conversion, and are passed over and written down where the caller says so',
    async (file, entry) => {
      const folder = await changed('bert-tiny-mean', { [file]: entry });
      const [key = ''] = Object.keys(entry);
      await expect(read(folder)).rejects.toMatchObject({ code: 'UNKNOWN_KEY', file, key });
      for (const name of [key, `${file}:${key}`])
        expect((await read(folder, { ignore: [name] })).ignored).toEqual([`${file}: ${key}`]);
      await expect(read(folder, { ignore: [`other.json:${key}`] })).rejects.toMatchObject({ code: 'UNKNOWN_KEY' });
    },
  );

  it('of a module stop it too', async () => {
    const folder = await changed('bert-tiny-mean', {});
    const modules = JSON.parse(await readFile(join(folder, 'modules.json'), 'utf8')) as Json[];
    await writeFile(
      join(folder, 'modules.json'),
      JSON.stringify(modules.map((module) => ({ ...module, when: 'query' }))),
    );
    await expect(read(folder)).rejects.toMatchObject({ code: 'UNKNOWN_KEY', file: 'modules.json', key: 'when' });
  });

  it('an --ignore that stops nothing is refused', async () => {
    await expect(read(join(checkpoints, 'bert-tiny-mean'), { ignore: ['hidden_sizes'] })).rejects.toMatchObject({
      code: 'NOTHING_TO_IGNORE',
      key: 'hidden_sizes',
    });
  });

  it('of the tokenizer may be passed over by a second reader that knows the tokenizer', async () => {
    const folder = await changed('bert-tiny-mean', { 'tokenizer_config.json': { do_word_split: true } });
    const ignore = ['do_word_split'];
    const { tokenizerJson, heads } = await read(folder, { ignore });
    expect((await read(folder, { ignore, known: { tokenizerJson, heads } })).ignored).toEqual([]);
  });

  it('are recorded in space.json', async () => {
    const source = await changed('bert-tiny-mean', { 'config.json': { rope_theta: 10_000 } });
    const notes: string[] = [];
    const model = await convertCheckpoint({
      source,
      out: join(scratch, 'ignored'),
      variant: 'fp32',
      choices: { ignore: ['rope_theta'] },
      openBackend: openPlainBackend,
      onNote: (note) => notes.push(note),
    });
    expect(model.file.ignored).toEqual(['config.json: rope_theta']);
    expect(notes).toEqual([]);
  });
});

it('values of the wrong kind are named in words', async () => {
  const folder = await changed('bert-tiny-mean', { 'sentence_bert_config.json': { max_seq_length: 'long' } });
  await expect(read(folder)).rejects.toMatchObject({
    code: 'INVALID_CONFIGURATION',
    message: 'sentence_bert_config.json: max_seq_length is "long", expected a number',
  });
});

describe('code of the checkpoint', () => {
  it.each(['config.json', 'tokenizer_config.json'])('that %s names is never run', async (file) => {
    const folder = await changed('bert-tiny-mean', {
      [file]: { auto_map: { AutoModel: 'own.Model', AutoTokenizer: 'own.Tokenizer' } },
    });
    await expect(read(folder)).rejects.toMatchObject({ code: 'REMOTE_CODE' });
    expect((await read(folder, { ignore: ['auto_map'] })).ignored).toEqual([`${file}: auto_map`]);
  });
});

it('a precision that moves the vectors is refused, unless it is passed over', async () => {
  const folder = await changed('bert-tiny-mean', {
    'sentence_bert_config.json': { model_args: { torch_dtype: 'bfloat16' } },
  });
  await expect(read(folder)).rejects.toMatchObject({ code: 'PRECISION', precision: '"bfloat16"' });
  expect((await read(folder, { ignore: ['torch_dtype'] })).notes.join()).toContain('computed in float32');
});

it.each([
  [{ architectures: ['BertForSequenceClassification'] }, { 'modules.json': undefined }],
  [{}, { 'sentence_bert_config.json': { transformer_task: 'fill-mask' } }],
  [{}, { 'config_sentence_transformers.json': { model_type: 'CrossEncoder' } }],
])('what is no embedding model is refused: %j %j', async (config, files) => {
  const folder = await changed('bert-tiny-mean', { 'config.json': config, ...files });
  await expect(read(folder)).rejects.toMatchObject({ code: 'NOT_AN_EMBEDDING_MODEL' });
});

describe('a checkpoint without modules.json', () => {
  it('says which pooling was taken, and which else there is', async () => {
    const folder = await changed('bert-tiny-mean', { 'modules.json': undefined });
    const taken = await read(folder);
    expect(taken.modules).toMatchObject({ pooling: ['mean'], afterPooling: [] });
    expect(taken.notes.join()).toMatch(/mean pooling is taken.*--pooling cls.*--normalize/);
    const chosen = await read(folder, { pooling: 'cls', normalize: true });
    expect(chosen.modules).toMatchObject({ pooling: ['cls'], afterPooling: [{ kind: 'normalize' }] });
  });

  it('is the only one whose pooling can be chosen', async () => {
    await expect(read(join(checkpoints, 'bert-tiny-mean'), { pooling: 'cls' })).rejects.toMatchObject({
      code: 'CHOICE_NOT_OPEN',
      option: '--pooling',
    });
  });
});

describe('a folder that is no checkpoint says what it is instead', () => {
  it.each<readonly [string, readonly string[], string]>([
    ['a folder of the cache', ['snapshots/abc/'], 'snapshots/abc'],
    ['the cache', ['models--a--b/'], 'models--a--b/snapshots'],
    ['an adapter', ['adapter_config.json'], 'adapter'],
    ['a model folder', ['space.json'], 'model folder'],
    ['GGUF files', ['model.gguf'], 'GGUF'],
    ['modules', ['1_Pooling/'], 'modules (1_Pooling)'],
    ['nothing', [], 'not a Hugging Face checkpoint'],
  ])('%s', async (name, entries, words) => {
    const folder = join(scratch, `no-${name}`);
    await mkdir(folder);
    for (const entry of entries)
      await (entry.endsWith('/')
        ? mkdir(join(folder, entry), { recursive: true })
        : writeFile(join(folder, entry), '{}'));
    await expect(read(folder)).rejects.toMatchObject({ code: 'NO_CHECKPOINT' });
    await expect(read(folder)).rejects.toThrow(words);
  });

  it('a name of the hub', async () => {
    await expect(read('no-such-owner/no-such-model')).rejects.toThrow('kimera models pull no-such-owner/no-such-model');
  });
});

describe('the space', () => {
  const fingerprint = async (folder: string): Promise<string> =>
    (
      await convertCheckpoint({
        source: folder,
        out: join(scratch, `space-${copies++}`),
        variant: 'fp32',
        openBackend: openPlainBackend,
      })
    ).space.fingerprint;

  it('names the sizes that the model was trained for, of config.json and of the card, and is the same with them', async () => {
    const folder = await changed('bert-tiny-mean', { 'config.json': { matryoshka_dimensions: [16, 32, 64] } });
    const facts = ['model-index:', '- results:', '  - dataset:', '      name: dim 8', '      type: dim_8'];
    const card = ['---', ...facts, '  - dataset: {}', '      type: "dim_16"', '---', '      type: dim_4', ''];
    await writeFile(join(folder, 'README.md'), card.join('\n'));
    expect((await read(folder)).trainedDimensions).toEqual([64, 32, 16, 8]);
    expect((await read(join(checkpoints, 'bert-tiny-mean'))).trainedDimensions).toEqual([]);
    const { space } = await convertCheckpoint({
      source: folder,
      out: join(scratch, `space-${copies++}`),
      variant: 'fp32',
      openBackend: openPlainBackend,
    });
    expect(space.dimension).toBe(32);
    expect(space.trainedDimensions).toEqual([16, 8]);
    expect(space.fingerprint).toBe(await fingerprint(join(checkpoints, 'bert-tiny-mean')));
  });

  it('is another wherever the vectors are, over the same weights', async () => {
    const folders = await Promise.all([
      changed('bert-tiny-mean', {}),
      changed('bert-tiny-mean', { 'config.json': { num_attention_heads: 2 } }),
      changed('bert-tiny-mean', { 'config.json': { hidden_act: 'relu' } }),
      changed('bert-tiny-mean', { 'config.json': { layer_norm_eps: 1e-5 } }),
      changed('bert-tiny-mean', { 'tokenizer_config.json': { do_lower_case: false } }),
      changed('bert-tiny-mean', { 'tokenizer_config.json': { truncation_side: 'left' } }),
      changed('bert-tiny-mean', { 'config_sentence_transformers.json': { truncate_dim: 16 } }),
      changed('bert-tiny-mean', { 'config_sentence_transformers.json': { prompts: { sts: 'same: ' } } }),
    ]);
    const prints: string[] = [];
    for (const folder of folders) prints.push(await fingerprint(folder));
    expect(new Set(prints).size).toBe(folders.length);
  });

  it('is the same where a change makes no difference', async () => {
    const same = await Promise.all([
      changed('bert-tiny-mean', { 'config.json': { hidden_act: 'gelu', chunk_size_feed_forward: 0 } }),
      changed('bert-tiny-mean', { 'config_sentence_transformers.json': { similarity_fn_name: 'dot' } }),
      changed('bert-tiny-mean', { 'config_sentence_transformers.json': { prompts: { sts: '' } } }),
      changed('bert-tiny-mean', { 'tokenizer_config.json': { padding_side: 'left' } }),
    ]);
    const expected = await fingerprint(join(checkpoints, 'bert-tiny-mean'));
    for (const folder of same) expect(await fingerprint(folder)).toBe(expected);
  });
});

it('weights under names of tools for training are those under their own names', async () => {
  const hash = async (name: string): Promise<string> => {
    const folder = join(scratch, name);
    await cp(join(forms, name), folder, { recursive: true });
    const list = JSON.parse(await readFile(join(folder, 'shared.json'), 'utf8').catch(() => '{}')) as Readonly<
      Record<string, string>
    >;
    for (const [file, source] of Object.entries(list)) {
      await mkdir(join(folder, file, '..'), { recursive: true });
      await cp(join(forms, 'shared', source), join(folder, file));
    }
    const model = await openCheckpointModel(folder);
    try {
      return await model.weightsHash();
    } finally {
      await model.checkpoint.tensors.close();
    }
  };
  const hashes = new Set<string>();
  for (const name of ['bin-with-module-prefix', 'bin-compiled-prefix', 'bin-of-whole-st-model', 'bin-wrapped'])
    hashes.add(await hash(name));
  expect(hashes.size).toBe(1);
});

it('an adapter in a folder of modules.json is refused: whether it is meant, nobody can say', async () => {
  const folder = await changed('bert-tiny-mean', {});
  await mkdir(join(folder, 'inner'));
  for (const file of ['config.json', 'model.safetensors', 'tokenizer.json'])
    await rename(join(folder, file), join(folder, 'inner', file));
  await writeFile(join(folder, 'inner/adapter_config.json'), '{}');
  const modules = JSON.parse(await readFile(join(folder, 'modules.json'), 'utf8')) as Json[];
  await writeFile(
    join(folder, 'modules.json'),
    JSON.stringify([{ ...modules[0], path: 'inner' }, ...modules.slice(1)]),
  );
  await expect(read(folder)).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' });
});

it('the folder has no settings for the loading of weights, which other libraries would refuse', async () => {
  const source = await changed('bert-tiny-mean', {
    'sentence_bert_config.json': { model_args: { attn_implementation: 'eager' } },
  });
  const out = join(scratch, 'loading');
  await convertCheckpoint({ source, out, variant: 'fp32', openBackend: openPlainBackend });
  expect(JSON.parse(await readFile(join(out, 'sentence_bert_config.json'), 'utf8'))).not.toHaveProperty('model_args');
});
