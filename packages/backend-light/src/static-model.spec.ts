import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cosine, normalize, ProbeMismatchError, tokenBatch } from '@kimera/core';
import { InvalidSpaceFileError, ModelFileHashError, ModelFileMissingError } from '@kimera/model-folder';
import { writeSafetensors, type Tensor } from '@kimera/safetensors';
import { exact, float32, checkClose, inferenceBackendConformance, rejection, type Tolerance } from '@kimera/testing';
import { parseTokenizer } from '@kimera/tokenizers';
import { z } from 'zod';
import { readFixture, readJsonFixture, root } from './fixtures.fixture.js';
import { parseSafetensors } from './folder/parse-safetensors.js';
import {
  InvalidStaticModelError,
  loadStaticModel,
  memoryFiles,
  ModelFetchError,
  NotAStaticModelError,
  TextWithoutDirectionError,
  urlFiles,
  type StaticModel,
} from './index.js';
import { tinyModelFiles, tinyTokenizerJson } from './kimera-model.fixture.js';
import { openStaticBackend, openStaticModel } from './index.js';

const runner = { describe, it, beforeAll, afterAll, expect };
type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** model2vec averages a float16 table in float16. */
const half: Tolerance = {
  name: 'half',
  reason: 'the library adds and divides in float16, whose numbers are 2^-11 apart',
  minCosine: 0.99999,
  maxAbs: 5e-3,
  norm: 4e-3,
};
/** model2vec adds the rows of a text one by one in float32. */
const addedInFloat32: Tolerance = {
  name: 'addedInFloat32',
  reason:
    'the library adds up to 512 rows in float32, each addition off by up to 2^-24 of the sum; here they are added in float64',
  minCosine: 0.9999999,
  maxAbs: 1e-5,
  norm: 1e-6,
};
const expectedSchema = z.object({
  models: z.record(
    z.string(),
    z.array(z.object({ text: z.string(), tokens: z.int(), ids: z.array(z.int()), vector: z.array(z.number()) })),
  ),
});
const expected = readJsonFixture('model2vec/expected.json', expectedSchema).models;
/** Outputs that model2vec-rs ships: file, folder, text. */
const published = [
  ['short', 'float32', 'hello world'],
  ['long', 'float32', 'hello '.repeat(1_000).trim()],
  ['vocab_quantized', 'vocab-quantized', 'hello '.repeat(1_000).trim()],
] as const;
const folderOf = (name: string): string => join(root, 'fixtures/model2vec', `test-model-${name}`);

async function embed(
  { backend, tokenizer }: StaticModel,
  texts: readonly string[],
): Promise<{
  readonly vectors: readonly Float32Array[];
  readonly ids: readonly Int32Array[];
  readonly truncated: readonly boolean[];
}> {
  const { batch, truncated } = await tokenizer.encodeBatch(texts, { maxTokens: backend.space.maxTokens });
  const { dense = new Float32Array() } = await backend.run(batch, { heads: ['dense'] });
  const { dimension } = backend.space;
  return {
    vectors: texts.map((_, i) => dense.subarray(i * dimension, (i + 1) * dimension)),
    ids: texts.map((_, i) => batch.ids.subarray(batch.offsets[i], batch.offsets[i + 1])),
    truncated,
  };
}

describe.each(Object.entries(expected))('the model2vec folder %s', (name, cases) => {
  let model: StaticModel;
  beforeAll(async () => {
    model = await loadStaticModel({ files: memoryFiles(name, filesOf(name)) });
  });
  const withTokens = cases.filter(({ tokens }) => tokens > 0);

  it('has the tokens and the vectors of the library', async () => {
    const { vectors, ids } = await embed(
      model,
      withTokens.map(({ text }) => text),
    );
    withTokens.forEach(({ text, tokens, ids: first, vector }, i) => {
      expect([ids[i]?.length, ...(ids[i]?.slice(0, 32) ?? [])]).toEqual([tokens, ...first]);
      checkClose(vectors[i] ?? [], vector, name === 'float16' ? half : addedInFloat32, text.slice(0, 40));
    });
  });

  it('has the outputs that model2vec-rs ships for it', async () => {
    for (const [file, of, golden] of published) {
      if (of !== name) continue;
      const [vector] = readJsonFixture(`model2vec/embeddings_${file}.json`, z.array(z.array(z.number())));
      checkClose((await embed(model, [golden])).vectors[0] ?? [], vector ?? [], addedInFloat32, file);
    }
  });

  it('refuses texts without a known token, and says which', async () => {
    for (const { text } of cases.filter(({ tokens }) => tokens === 0)) {
      const error = await rejection(() => embed(model, ['hello', 'world', text]));
      expect(error).toBeInstanceOf(TextWithoutDirectionError);
      expect(error).toMatchObject({ code: 'TEXT_WITHOUT_DIRECTION', text: 2 });
    }
  });

  it('says what it cut', async () => {
    const { truncated } = await embed(model, ['representative '.repeat(150), 'representative '.repeat(300)]);
    expect(truncated).toEqual([false, true]);
    const { totalTokens } = await model.tokenizer.encodeBatch(['hello '.repeat(5_000)], { maxTokens: 512 });
    expect([...totalTokens]).toEqual([5_000]);
  });
});

/** The files of a model2vec fixture in memory. */
function filesOf(name: string): Files {
  const config = name === 'sentence-transformers' ? 'config_sentence_transformers.json' : 'config.json';
  return new Map(
    [config, 'model.safetensors', 'tokenizer.json'].map((file) => [
      file,
      readFixture(`model2vec/test-model-${name}/${file}`),
    ]),
  );
}

/** A model2vec folder of 800 tokens and 2 numbers. */
function tinyModel2vec(): Files {
  const rows = Float32Array.from({ length: 1_600 }, (_, i) => Math.sin(i));
  return new Map([
    ['config.json', text('{"normalize": true}')],
    ['tokenizer.json', text(tinyTokenizerJson)],
    [
      'model.safetensors',
      writeSafetensors(new Map([['embeddings', { type: 'F32', shape: [800, 2], bytes: new Uint8Array(rows.buffer) }]])),
    ],
  ]);
}

describe('spaces of model2vec folders', () => {
  const fingerprint = async (files: Files): Promise<string> => (await load(files)).backend.space.fingerprint;

  it('are named by what the files hold: one for one table, another for another', async () => {
    const original = await fingerprint(tinyModel2vec());
    expect(await fingerprint(tinyModel2vec())).toBe(original);
    const changed = tinyModel2vec();
    changed.get('model.safetensors')?.fill(1, -1);
    expect(await fingerprint(changed)).not.toBe(original);
    expect(await fingerprint(tinyModel2vec().set('config.json', text('{"normalize": false}')))).not.toBe(original);
  });

  it('are the same in every layout of one table', async () => {
    const tensors = parseSafetensors(tinyModel2vec().get('model.safetensors') ?? new Uint8Array(), 'tiny');
    const weights = writeSafetensors(new Map([...tensors.values()].map((tensor) => ['embedding.weight', tensor])));
    const [config, tokenizer] = [text('{"normalize": true}'), text(tinyTokenizerJson)];
    const original = await fingerprint(tinyModel2vec());
    expect(
      await fingerprint(
        new Map([
          ['config_sentence_transformers.json', config],
          ['model.safetensors', weights],
          ['tokenizer.json', tokenizer],
        ]),
      ),
    ).toBe(original);
    expect(
      await fingerprint(
        new Map([
          ['config_sentence_transformers.json', config],
          ['0_StaticEmbedding/model.safetensors', weights],
          ['0_StaticEmbedding/tokenizer.json', tokenizer],
        ]),
      ),
    ).toBe(original);
  });

  it('gives the mean where the folder does not normalise', async () => {
    const { vectors } = await embed(await load(tinyModel2vec().set('config.json', text('{}'))), ['a b', 'a', 'b']);
    const [both = [], first = [], second = []] = vectors.map((vector) => [...vector]);
    checkClose(
      both,
      first.map((value, d) => (value + (second[d] ?? 0)) / 2),
      float32,
    );
  });
});

const tinyTokenizer = parseTokenizer(tinyTokenizerJson, 'tiny');
for (const precision of ['fp32', 'int8'] as const) {
  inferenceBackendConformance(runner, {
    name: `a static model of ours in ${precision}`,
    open: async () => (await loadStaticModel({ files: memoryFiles('tiny', await tinyModelFiles(precision)) })).backend,
    texts: ['', 'a text', 'another text, rather longer'].map(
      (one) => tinyTokenizer.encode(one, { maxTokens: 512 }).ids,
    ),
    vocabularySize: tinyTokenizer.vocabularySize,
    tolerance: exact,
  });
}
inferenceBackendConformance(runner, {
  name: 'a model2vec folder',
  open: () => openStaticBackend({ path: folderOf('float16') }),
  texts: [[5], [6598, 1094], [68, 1486, 1601, 3166]].map((ids) => Int32Array.from(ids)),
  vocabularySize: 29_528,
  tolerance: exact,
});

describe('a static model of ours', () => {
  it('is the same bytes each time, and near its float32 table in 8 bits', async () => {
    const [first, second, full] = [
      await tinyModelFiles('int8'),
      await tinyModelFiles('int8'),
      await tinyModelFiles('fp32'),
    ];
    expect([...first]).toEqual([...second]);
    const texts = ['a text', 'another one, longer than that', ''];
    const [{ vectors: quantized }, { vectors: exactly }] = [
      await embed(await load(first), texts),
      await embed(await load(full), texts),
    ];
    texts.forEach((_, i) => expect(cosine(quantized[i] ?? [], exactly[i] ?? [])).toBeGreaterThan(0.999));
    expect((await load(first)).backend.space.fingerprint).toBe((await load(full)).backend.space.fingerprint);
    expect((await load(first)).backend.variant).toMatchObject({ name: 'int8', fidelity: { texts: 26 } });
    expect((await load(full)).backend.variant).toMatchObject({ name: 'fp32', fidelity: { minCosine: 1, maxAbs: 0 } });
  });

  it('has vectors that can be computed in the head', async () => {
    const { backend } = await load(await tinyModelFiles('fp32'));
    const row = (token: number): Float32Array =>
      normalize(Float32Array.from({ length: 8 }, (_, d) => Math.sin((token + 1) * (d + 1) * 1.7)));
    const { dense = new Float32Array() } = await backend.run(tokenBatch([[300, 301]]), { heads: ['dense'] });
    // 300 % 7 is 6 and 301 % 7 is 0: weights of 1/7 and 1.
    checkClose(dense, normalize(row(300).map((value, d) => value / 7 + (row(301)[d] ?? 0))), float32);
  });

  it('loads in a page: from a server, without a file system', async () => {
    const files = await tinyModelFiles('int8');
    await served(files, async (base) => {
      const model = await loadStaticModel({ files: urlFiles(`${base}/model?version=3`) });
      checkClose(
        (await embed(model, ['a text'])).vectors[0] ?? [],
        (await embed(await load(files), ['a text'])).vectors[0] ?? [],
        exact,
      );
      expect(await rejection(() => loadStaticModel({ files: urlFiles(`${base}/broken/`) }))).toBeInstanceOf(
        ModelFetchError,
      );
      expect(await rejection(() => loadStaticModel({ files: urlFiles(`${base}/nothing`) }))).toBeInstanceOf(
        NotAStaticModelError,
      );
    });
  });

  it('opens from a folder', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kimera-static-'));
    try {
      for (const [name, bytes] of await tinyModelFiles('int8')) await writeFile(join(scratch, name), bytes);
      const model = await openStaticModel({ path: scratch });
      expect((await embed(model, ['a text '.repeat(1_000)])).truncated).toEqual([true]);
      expect(model.probes.length).toBeGreaterThan(5);
      await model.tokenizer.close();
      expect((await openStaticBackend({ path: scratch })).space.modelId).toBe('fixture/static-tiny');
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });

  it('writes a tokenizer that neither pads nor cuts, since model2vec obeys the file', async () => {
    const json = new TextDecoder().decode((await tinyModelFiles('int8')).get('tokenizer.json'));
    expect(JSON.parse(json)).toMatchObject({ padding: null, truncation: null });
  });

  it('refuses a text whose vectors cancel out', async () => {
    const rows = Float32Array.of(1, 2, -1, -2);
    const files: Files = new Map([
      ['config.json', text('{"normalize": true}')],
      [
        'model.safetensors',
        writeSafetensors(new Map([['embeddings', { type: 'F32', shape: [2, 2], bytes: new Uint8Array(rows.buffer) }]])),
      ],
      [
        'tokenizer.json',
        text(
          JSON.stringify({
            ...JSON.parse(tinyTokenizerJson),
            added_tokens: [],
            post_processor: null,
            model: {
              type: 'WordPiece',
              unk_token: '[UNK]',
              continuing_subword_prefix: '##',
              max_input_chars_per_word: 100,
              vocab: { '[UNK]': 0, a: 1 },
            },
          }),
        ),
      ],
    ]);
    const { backend } = await loadStaticModel({ files: memoryFiles('cancelling', files) });
    expect(await rejection(() => backend.run(tokenBatch([[1], [0, 1]]), { heads: ['dense'] }))).toMatchObject({
      code: 'TEXT_WITHOUT_DIRECTION',
      text: 1,
    });
  });
});

describe('is refused', () => {
  const refusals: readonly (readonly [string, (files: Files) => void, new (...parts: never[]) => Error, string])[] = [
    [
      'a folder of another schema',
      (files) => files.set('space.json', text('{"schema":"kimera-model/1"}')),
      InvalidSpaceFileError,
      'kimera-static/1',
    ],
    ['a space.json that is not JSON', (files) => files.set('space.json', text('{')), InvalidSpaceFileError, 'not JSON'],
    [
      'another fingerprint',
      (files) => edit(files, (space) => ({ ...space, fingerprint: '0'.repeat(64) })),
      InvalidSpaceFileError,
      'not that of the identity',
    ],
    [
      'a probe of another dimension',
      (files) =>
        edit(files, ({ probes: [first, ...rest], ...space }) => ({
          ...space,
          probes: [{ ...first, dense: 'AAAAAA==' }, ...rest],
        })),
      InvalidSpaceFileError,
      'has 1 numbers',
    ],
    [
      'a file that nothing vouches for',
      (files) =>
        edit(files, ({ files: entries, ...space }) => ({
          ...space,
          files: Object.fromEntries(Object.entries(entries).filter(([name]) => name !== 'tokenizer.json')),
        })),
      InvalidSpaceFileError,
      'nothing vouches for it',
    ],
    [
      'an unknown field',
      (files) => edit(files, (space) => ({ ...space, surprise: 1 })),
      InvalidSpaceFileError,
      'surprise',
    ],
    [
      'a table that was changed',
      (files) => void files.get('model.safetensors')?.fill(1, -1),
      ModelFileHashError,
      'model.safetensors',
    ],
    [
      'a table that is not there',
      (files) => files.delete('model.safetensors'),
      ModelFileMissingError,
      'model.safetensors',
    ],
    [
      'probes of another model',
      (files) =>
        edit(files, ({ probes: [first, second, third, ...rest], ...space }) => ({
          ...space,
          probes: [first, { ...second, dense: third?.dense }, { ...third, dense: second?.dense }, ...rest],
        })),
      ProbeMismatchError,
      'does not produce space',
    ],
    [
      'another precision than it says',
      (files) => edit(files, (space) => ({ ...space, variant: { ...space.variant, name: 'fp32' } })),
      InvalidStaticModelError,
      'the table is int8',
    ],
  ];
  it.each(refusals)('%s', async (_what, change, kind, words) => {
    const files: Files = new Map([...(await tinyModelFiles('int8'))].map(([name, bytes]) => [name, bytes.slice()]));
    change(files);
    const error = await rejection(() => load(files));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ message: expect.stringContaining(words) });
  });

  const float = (values: readonly number[]): Uint8Array<ArrayBuffer> =>
    new Uint8Array(Float32Array.from(values).buffer);
  const V = 800;
  const vectors: Tensor = { type: 'F32', shape: [V, 1], bytes: float(Array.from({ length: V }, () => 1)) };
  const tables: readonly (readonly [string, Parameters<typeof writeSafetensors>[0], string])[] = [
    ['no vectors', new Map(), 'no tensor embeddings'],
    ['a table of one dimension', new Map([['embeddings', { ...vectors, shape: [V] }]]), 'has shape [800]'],
    [
      'a type that is not read',
      new Map([['embeddings', { type: 'I32', shape: [V, 1], bytes: vectors.bytes }]]),
      'has the type I32',
    ],
    [
      'fewer vectors than tokens',
      new Map([['embeddings', { type: 'F32', shape: [2, 1], bytes: float([1, 1]) }]]),
      '2 vectors, the tokenizer has 800 tokens',
    ],
    [
      'a vector that is not finite',
      new Map([['embeddings', { ...vectors, bytes: float([...Array.from({ length: V - 1 }, () => 1), Infinity]) }]]),
      'not finite at element 799',
    ],
    [
      'weights of another length',
      new Map<string, Tensor>([
        ['embeddings', vectors],
        ['weights', { type: 'F32', shape: [1], bytes: float([1]) }],
      ]),
      'tensor weights has shape [1]',
    ],
    [
      'a mapping beyond the rows',
      new Map([
        ['embeddings', { type: 'F32', shape: [1, 1], bytes: float([1]) }],
        ['mapping', { type: 'F32', shape: [V], bytes: vectors.bytes }],
      ]),
      'token 0 is mapped to row 1, there are 1 rows',
    ],
  ];
  it.each(tables)('%s', async (_what, tensors, words) => {
    const error = await rejection(() =>
      loadStaticModel({
        files: memoryFiles('broken', tinyModel2vec().set('model.safetensors', writeSafetensors(tensors))),
      }),
    );
    expect(error).toBeInstanceOf(InvalidStaticModelError);
    expect(error).toMatchObject({ code: 'INVALID_STATIC_MODEL', message: expect.stringContaining(words) });
  });

  it.each([
    ['config.json', 'not JSON'],
    ['config.json', '{"normalize": "yes"}'],
  ])('%s that holds %j', async (name, content) => {
    expect(
      await rejection(() =>
        loadStaticModel({ files: memoryFiles('broken', tinyModel2vec().set(name, text(content))) }),
      ),
    ).toBeInstanceOf(InvalidStaticModelError);
  });

  it('an empty folder', async () => {
    expect(await rejection(() => openStaticBackend({ path: join(root, 'nowhere') }))).toMatchObject({
      code: 'NOT_A_STATIC_MODEL',
    });
  });
});

function load(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Promise<StaticModel> {
  return loadStaticModel({ files: memoryFiles('tiny', files) });
}
function text(content: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(content);
}
/** The parts of space.json that the cases change; the others are kept. */
const editedSpace = z.looseObject({
  files: z.record(z.string(), z.unknown()),
  probes: z.array(z.looseObject({ dense: z.string() })),
  variant: z.looseObject({ name: z.string() }),
});
/** Replaces space.json by what is made of it. */
function edit(files: Files, change: (space: z.infer<typeof editedSpace>) => object): void {
  const space = editedSpace.parse(JSON.parse(new TextDecoder().decode(files.get('space.json'))));
  files.set('space.json', text(JSON.stringify(change(space))));
}

/** Serves files below /model on the loopback, 500 below /broken, 404 elsewhere. */
async function served(files: ReadonlyMap<string, Uint8Array>, use: (base: string) => Promise<void>): Promise<void> {
  const server: Server = createServer((request, response) => {
    const [, folder, name = ''] = (request.url ?? '').split('/');
    const bytes = folder === 'model' ? files.get(name) : undefined;
    response.writeHead(folder === 'broken' ? 500 : bytes === undefined ? 404 : 200).end(bytes);
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('no port'));
    });
  });
  try {
    await use(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
