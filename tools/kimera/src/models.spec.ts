import { VARIANTS } from '@kimera/core';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { kimera, minilm, root, tinyCheckpoint } from './run-kimera.fixture.js';

const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string().regex(/^[^\n]+$/), hint: z.string().optional() }),
});
const cosines = z.strictObject({ minCosine: z.number(), meanCosine: z.number() });
const fidelity = z.strictObject({
  ...cosines.shape,
  maxAbs: z.number(),
  texts: z.int(),
  rankAgreement: z.number().optional(),
  heads: z.strictObject({ sparse: cosines, colbert: cosines }).partial().optional(),
});
const variants = z
  .array(z.strictObject({ name: z.enum(VARIANTS), fidelity, full: z.array(z.string()).optional() }))
  .min(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const modelSchema = z.strictObject({
  path: z.string(),
  modelId: z.string(),
  space: sha256,
  dimension: z.int(),
  maxTokens: z.int(),
  heads: z.array(z.string()),
  description: z.string(),
  variants,
  bytes: z.int(),
});
const listSchema = z.strictObject({
  models: z.array(
    z.union([
      modelSchema,
      z.strictObject({ path: z.string(), error: z.strictObject({ code: z.string(), message: z.string() }) }),
    ]),
  ),
});
const convertSchema = modelSchema.extend({ milliseconds: z.int(), notes: z.array(z.string()) });
const verifySchema = z.strictObject({
  folder: z.string(),
  checkpoint: z.string().optional(),
  description: z.string().optional(),
  holds: z.boolean(),
  checks: z.array(z.strictObject({ check: z.string(), expected: z.string(), actual: z.string(), holds: z.boolean() })),
});
const tensor = z.strictObject({
  name: z.string(),
  type: z.string(),
  shape: z.array(z.int()),
  bytes: z.int(),
  location: z.string().optional(),
});
const port = z.strictObject({ name: z.string(), type: z.string(), shape: z.array(z.union([z.int(), z.string()])) });
const safetensorsSchema = z.strictObject({
  kind: z.literal('safetensors'),
  path: z.string(),
  bytes: z.int(),
  metadata: z.record(z.string(), z.string()),
  tensors: z.array(tensor),
});
const onnxSchema = z.strictObject({
  kind: z.literal('onnx'),
  path: z.string(),
  bytes: z.int(),
  irVersion: z.int(),
  producer: z.string(),
  opsets: z.record(z.string(), z.int()),
  inputs: z.array(port),
  outputs: z.array(port),
  operators: z.record(z.string(), z.int()),
  nodes: z.int(),
  tensors: z.array(tensor),
  externalFiles: z.array(z.strictObject({ name: z.string(), needed: z.int(), bytes: z.int().nullable() })),
});
const folderSchema = z.strictObject({
  description: z.string().optional(),
  kind: z.enum(['model', 'checkpoint']),
  path: z.string(),
  bytes: z.int(),
  files: z.array(z.strictObject({ name: z.string(), bytes: z.int() })),
  parts: z.array(z.union([safetensorsSchema, onnxSchema])),
});
const speed = z.strictObject({ median: z.number().positive(), least: z.number(), most: z.number() });
const benchResult = z.strictObject({
  path: z.string(),
  modelId: z.string(),
  space: sha256,
  variant: z.string(),
  backend: z.string(),
  threads: z.int(),
  loadMilliseconds: z.number().positive(),
  firstVectorMilliseconds: z.number().positive(),
  texts: z.strictObject({ count: z.int(), tokens: z.int(), tokensPerSecond: speed }),
  latency: z.strictObject({ p50: z.number().positive(), p95: z.number().positive() }),
  shapes: z.array(z.strictObject({ texts: z.int(), tokens: z.int(), tokensPerSecond: speed })).min(1),
  memoryBytes: z.number(),
});
const benchSchema = z.strictObject({
  machine: z.strictObject({ processor: z.string(), processors: z.int(), node: z.string(), onnxRuntime: z.string() }),
  models: z.array(
    z.union([
      benchResult,
      z.strictObject({
        path: z.string(),
        variant: z.string().optional(),
        error: z.strictObject({ code: z.string(), message: z.string() }),
      }),
    ]),
  ),
});

let scratch = '';
let converted = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-cli-'));
  converted = join(scratch, 'models/tiny');
  // Relative to the caller's folder.
  const run = await kimera(
    ['models', 'convert', tinyCheckpoint, '--out', 'models/tiny', '--model-id', 'test/tiny', '--json'],
    scratch,
  );
  const document = convertSchema.parse(JSON.parse(run.stdout));
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(document).toMatchObject({
    path: converted,
    modelId: 'test/tiny',
    dimension: 32,
    maxTokens: 48,
    heads: ['dense'],
    variants: [{ name: 'fp32' }],
  });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('models list', () => {
  it('lists ./models of the caller’s folder and the shipped ones, with what the folders say', async () => {
    const { code, stdout } = await kimera(['models', 'list', '--json'], scratch);
    expect(code).toBe(0);
    const { models } = listSchema.parse(JSON.parse(stdout));
    expect(models.map((model) => ('modelId' in model ? model.modelId : model.path))).toEqual([
      'test/tiny',
      'sentence-transformers/all-MiniLM-L6-v2',
      'kimera/all-MiniLM-L6-v2-static',
      'intfloat/multilingual-e5-small',
    ]);
    const space = z
      .looseObject({ fingerprint: z.string() })
      .parse(JSON.parse(await readFile(join(minilm, 'space.json'), 'utf8')));
    expect(models[1]).toMatchObject({ path: minilm, space: space.fingerprint, dimension: 384, maxTokens: 256 });
  });

  it('lists each once from the root, as a table without escape codes when piped', async () => {
    const { stdout } = await kimera(['models', 'list'], root);
    expect(stdout.match(/all-MiniLM-L6-v2 /g)).toHaveLength(1);
    expect(stdout).toContain('ae19e978918d');
    expect(stdout).not.toContain('\u001b');
  });

  it('lists a folder that is not whole with its problem, and refuses one without a model', async () => {
    const folder = join(scratch, 'some');
    await mkdir(join(folder, 'broken'), { recursive: true });
    await writeFile(join(folder, 'broken/space.json'), '{}');
    const { code, stdout } = await kimera(['models', 'list', folder, '--json'], scratch);
    expect(code).toBe(0);
    expect(listSchema.parse(JSON.parse(stdout)).models).toMatchObject([
      { path: join(folder, 'broken'), error: { code: 'INVALID_SPACE_FILE' } },
    ]);
    const none = await kimera(['models', 'list', tinyCheckpoint, '--json'], scratch);
    expect(none.code).toBe(1);
    expect(errorSchema.parse(JSON.parse(none.stdout)).error.code).toBe('MODEL_FOLDER_NOT_FOUND');
  });
});

describe('models convert', () => {
  it('refuses an existing folder and leaves it as it is', async () => {
    const before = await readdir(converted);
    const run = await kimera(['models', 'convert', tinyCheckpoint, '--out', converted, '--json'], scratch);
    expect(run.code).toBe(2);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error.code).toBe('OUTPUT_EXISTS');
    expect(run.stderr).toMatch(/^kimera: [^\n]+ exists[^\n]*\n$/);
    expect(await readdir(converted)).toEqual(before);
  });

  it('refuses what it cannot convert exactly, names the way out, and leaves nothing', async () => {
    const out = join(scratch, 'refused/four');
    const run = await kimera(['models', 'convert', tinyCheckpoint, '--out', out, '--variants', 'q4'], scratch);
    expect(run.code).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^kimera: [^\n]+4-bit[^\n]+hint: use --variants fp16 or fp32\n$/);
    expect(await readdir(join(scratch, 'refused'))).toEqual([]);
  });

  it('needs --out, and a checkpoint', async () => {
    expect(await kimera(['models', 'convert', tinyCheckpoint], scratch)).toMatchObject({ code: 64, stdout: '' });
    const run = await kimera(['models', 'convert', scratch, '--out', 'never', '--json'], scratch);
    expect(run.code).toBe(2);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error.code).toBe('NO_CHECKPOINT');
  });

  it('--verify-only checks instead of writing', async () => {
    const run = await kimera(['models', 'convert', converted, '--verify-only', '--json'], scratch);
    expect(run.code).toBe(0);
    expect(verifySchema.parse(JSON.parse(run.stdout))).toMatchObject({ folder: converted, holds: true });
  });

  it('Ctrl-C leaves no folder, whole or partial, and says how to go on', async () => {
    const folder = join(scratch, 'stopped');
    await mkdir(folder);
    const stop = new AbortController();
    // A checkpoint whose conversion takes seconds, so that the signal always comes while it is under way.
    const run = kimera(['models', 'convert', await slowCheckpoint(), '--out', 'out'], folder, '', {
      stop: stop.signal,
    });
    const watch = setInterval(() => {
      if (readdirSync(folder).some((name) => existsSync(join(folder, name, 'onnx')))) stop.abort();
    }, 5);
    const { code, stderr } = await run.finally(() => clearInterval(watch));
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'kimera: stopped; nothing was written: the same command starts again\n',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  /** The tiny checkpoint with long positions: the forward pass over the probes is the same, the weights are 40 MB. */
  async function slowCheckpoint(): Promise<string> {
    const slow = join(scratch, 'slow');
    await cp(tinyCheckpoint, slow, { recursive: true });
    const config = z.looseObject({}).parse(JSON.parse(await readFile(join(slow, 'config.json'), 'utf8')));
    const positions = 300_000;
    await writeFile(join(slow, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: positions }));
    const file = await readFile(join(slow, 'model.safetensors'));
    const end = 8 + Number(file.readBigUInt64LE());
    const entry = z.looseObject({ shape: z.array(z.int()), data_offsets: z.tuple([z.int(), z.int()]) });
    const { __metadata__, ...entries } = z
      .object({ __metadata__: z.unknown() })
      .catchall(entry)
      .parse(JSON.parse(file.subarray(8, end).toString('utf8')));
    let at = 0;
    const parts: Buffer[] = [];
    const moved: Record<string, z.infer<typeof entry>> = {};
    for (const [name, tensor] of Object.entries(entries)) {
      const [from, to] = tensor.data_offsets;
      let shape = tensor.shape;
      let bytes: Buffer = file.subarray(end + from, end + to);
      if (name.endsWith('position_embeddings.weight')) {
        shape = [positions, shape[1] ?? 0];
        bytes = Buffer.alloc(positions * (shape[1] ?? 0) * 4, 1);
      }
      moved[name] = { ...tensor, shape, data_offsets: [at, (at += bytes.length)] };
      parts.push(bytes);
    }
    const header = Buffer.from(JSON.stringify({ __metadata__, ...moved }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(join(slow, 'model.safetensors'), Buffer.concat([length, header, ...parts]));
    return slow;
  }
});

describe('models verify', () => {
  it('every line holds against the checkpoint', async () => {
    const run = await kimera(['models', 'verify', converted, '--against', tinyCheckpoint, '--json'], scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { holds, checks } = verifySchema.parse(JSON.parse(run.stdout));
    expect({ holds, failed: checks.filter((check) => !check.holds), count: checks.length }).toEqual({
      holds: true,
      failed: [],
      count: 30,
    });
  });

  it.each(['all-MiniLM-L6-v2', 'multilingual-e5-small'])('%s as shipped holds', async (name) => {
    const run = await kimera(['models', 'verify', join(root, 'models', name)], scratch);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('every line holds');
  });

  it('ends with 2 where one byte of the weights differs, where a file is short, and against another checkpoint', async () => {
    const changed = join(scratch, 'changed');
    await cp(converted, changed, { recursive: true });
    const data = await readFile(join(changed, 'onnx/model.onnx_data'));
    data[1000] = (data[1000] ?? 0) ^ 0x40;
    await writeFile(join(changed, 'onnx/model.onnx_data'), data);
    const byte = await kimera(['models', 'verify', changed], scratch);
    expect(byte.code).toBe(2);
    expect(byte.stdout).toMatch(/^file hashes .* NO$/m);
    await writeFile(join(changed, 'onnx/model.onnx_data'), data.subarray(100));
    const short = await kimera(['models', 'verify', changed, '--json'], scratch);
    expect(short.code).toBe(2);
    expect(verifySchema.parse(JSON.parse(short.stdout))).toMatchObject({
      holds: false,
      checks: [{ check: 'folder opens' }],
    });
    const other = await kimera(
      ['models', 'verify', converted, '--against', join(root, 'fixtures/checkpoints/bert-tiny-cls'), '--json'],
      scratch,
    );
    expect(other.code).toBe(2);
    // The same weights under another pooling: the forward pass sees it.
    expect(
      verifySchema
        .parse(JSON.parse(other.stdout))
        .checks.filter(({ holds }) => !holds)
        .map(({ check }) => check),
    ).toEqual([
      'forward pass',
      'witness: pooling',
      ...['capitals', 'accents', 'other scripts', 'special tokens and spaces', 'over the limit'].map(
        (texts) => `witness: vectors, ${texts}`,
      ),
    ]);
  });

  it('ends with 1 and a hint where there is no model', async () => {
    const run = await kimera(['models', 'verify', 'nowhere'], scratch);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^kimera: no model at [^\n]*; hint: "kimera models list"[^\n]*\n$/);
  });
});

describe('models inspect', () => {
  it.each([
    ['a model folder', () => converted, folderSchema],
    ['a checkpoint folder', () => tinyCheckpoint, folderSchema],
    ['a graph', () => join(minilm, 'onnx/model.onnx'), onnxSchema],
    ['a safetensors file', () => join(tinyCheckpoint, 'model.safetensors'), safetensorsSchema],
  ] as const)('%s as one JSON document', async (_what, path, schema) => {
    const run = await kimera(['models', 'inspect', path(), '--json'], scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    schema.parse(JSON.parse(run.stdout));
  });

  it('prints inputs, outputs and operators for people', async () => {
    const { stdout } = await kimera(['models', 'inspect', 'models/tiny'], scratch);
    expect(stdout).toContain('output  last_hidden_state: float32 [batch, sequence, 32]');
    expect(stdout).toMatch(/\d+ nodes: .*LayerNormalization \d+/);
  });

  it('refuses hostile files in one line, and lets no name write to the terminal', async () => {
    const hostile = await kimera(
      ['models', 'inspect', join(root, 'fixtures/hostile-checkpoints/safetensors/overlap.safetensors')],
      scratch,
    );
    expect(hostile).toMatchObject({ code: 2, stdout: '' });
    expect(hostile.stderr).toMatch(/^kimera: [^\n]+\n$/);
    const garbage = join(scratch, 'garbage\u001b[31m.onnx');
    await writeFile(garbage, 'not an onnx file');
    const run = await kimera(['models', 'inspect', garbage], scratch);
    expect(run.code).toBe(2);
    expect(run.stderr).not.toContain('\u001b');
    expect(run.stderr).toContain('\\u001b[31m');
  });
});

describe('models bench', () => {
  it('measures, on the built-in texts and on given ones, and as far as the model reads', async () => {
    const run = await kimera(['models', 'bench', converted, '--threads', '1', '--json'], scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [result] = benchSchema.parse(JSON.parse(run.stdout)).models;
    expect(result).toMatchObject({ modelId: 'test/tiny', backend: 'onnx', threads: 1, texts: { count: 16 } });
    // It reads 64 tokens.
    expect(benchResult.parse(result).shapes).toMatchObject([
      { texts: 1, tokens: 16 },
      { texts: 32, tokens: 16 },
    ]);
    await writeFile(join(scratch, 'texts.jsonl'), '{"text":"one"}\n{"text":"two"}\n');
    const given = await kimera(['models', 'bench', converted, '--texts', 'texts.jsonl', '--json'], scratch);
    expect(benchSchema.parse(JSON.parse(given.stdout)).models).toMatchObject([{ texts: { count: 2 } }]);
  });

  it('measures each precision of a model in a process of its own', async () => {
    const folder = join(root, 'fixtures/models/bert-tiny-int8');
    const parts: string[] = [];
    const words = ['models', 'bench', folder, '--threads', '1', '--json'];
    const run = await kimera(words, scratch, '', { onProgress: (part) => parts.push(part) });
    expect(run.code).toBe(0);
    expect(benchSchema.parse(JSON.parse(run.stdout)).models).toMatchObject([{ variant: 'fp32' }, { variant: 'int8' }]);
    expect(parts.join('')).toContain('1 of 2');
  });

  it('says which could not be measured', async () => {
    const words = ['models', 'bench', converted, minilm, '--variant', 'q4'];
    const run = await kimera([...words, '--json'], scratch);
    expect(run.code).toBe(1);
    expect(benchSchema.parse(JSON.parse(run.stdout)).models).toMatchObject([
      { path: converted, variant: 'q4', error: { code: 'UNKNOWN_VARIANT' } },
      { path: minilm, variant: 'q4', error: { code: 'UNKNOWN_VARIANT' } },
    ]);
  });

  it('prints a table, of a static model too', async () => {
    const run = await kimera(['models', 'bench', join(root, 'models/static-minilm')], scratch);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/first vector after +\d/);
    expect(run.stdout).toMatch(/32 × 16 tokens +[\d,]+ tokens\/s/);
  });

  it.each([[[]], [[minilm]]])('stops before the next call, %j beside it', async (others) => {
    const stop = new AbortController();
    stop.abort();
    const run = await kimera(['models', 'bench', converted, ...others], scratch, '', { stop: stop.signal });
    expect(run).toMatchObject({ code: 3, stdout: '' });
    expect(run.stderr).toContain('stopped before the timing was done');
  });

  it('refuses a variant that is not there, and texts that are none', async () => {
    const run = await kimera(['models', 'bench', converted, '--variant', 'int8', '--json'], scratch);
    expect(run.code).toBe(1);
    expect(errorSchema.parse(JSON.parse(run.stdout)).error.code).toBe('UNKNOWN_VARIANT');
    await writeFile(join(scratch, 'bad.jsonl'), '{"text":"one"}\n{"txt":"two"}\n');
    const bad = await kimera(['models', 'bench', converted, '--texts', 'bad.jsonl'], scratch);
    expect(bad.code).toBe(64);
    expect(bad.stderr).toContain('line 2');
  });
});

it('a torch checkpoint with heads converts to the bytes of the fixture, verifies against itself, and serves every head', async () => {
  const checkpoint = join(root, 'fixtures/checkpoints/bge-m3-tiny');
  const out = join(scratch, 'bge-m3-tiny');
  expect(
    await kimera(['models', 'convert', checkpoint, '--out', out, '--model-id', 'fixture/bge-m3-tiny'], scratch),
  ).toMatchObject({ code: 0 });
  const fixture = join(root, 'fixtures/models/bge-m3-tiny');
  const files = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder, { recursive: true })).sort();
  expect(await files(out)).toEqual(await files(fixture));
  expect(JSON.parse(await readFile(join(out, 'space.json'), 'utf8'))).toEqual(
    JSON.parse(await readFile(join(fixture, 'space.json'), 'utf8')),
  );
  expect(await kimera(['models', 'verify', out, '--against', checkpoint], scratch)).toMatchObject({ code: 0 });
  const { code, stdout } = await kimera(
    ['embed', '--model', out, '--head', 'dense,sparse,colbert'],
    scratch,
    '{"text":"hello"}\n',
  );
  expect(code).toBe(0);
  const { dense, sparse, colbert, tokens } = z
    .object({
      dense: z.array(z.number()),
      sparse: z.record(z.string(), z.number()),
      colbert: z.array(z.array(z.number())),
      tokens: z.int(),
    })
    .parse(JSON.parse(stdout));
  expect(dense).toHaveLength(64);
  expect(Object.values(sparse).every((weight) => weight > 0)).toBe(true);
  expect(colbert).toHaveLength(tokens - 1);
  expect(colbert[0]).toHaveLength(64);
}, 120_000);
