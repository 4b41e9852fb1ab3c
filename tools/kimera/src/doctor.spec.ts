import { mkdtemp, rm, cp, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type HeldWebAssembly, holdWebAssembly } from '@kimera/testing';
import { z } from 'zod';
import { kimera, root } from './run-kimera.fixture.js';

jest.setTimeout(180_000);
let scratch = '';
let runtime: HeldWebAssembly;
beforeAll(async () => {
  runtime = await holdWebAssembly(join(root, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'));
  scratch = await mkdtemp(join(tmpdir(), 'kimera-doctor-'));
});
afterAll(async () => {
  runtime.release();
  await rm(scratch, { recursive: true, force: true });
});

const reportSchema = z.object({
  healthy: z.boolean(),
  findings: z.array(
    z.object({
      area: z.string(),
      what: z.string(),
      state: z.enum(['fine', 'note', 'problem']),
      value: z.string(),
      advice: z.string().optional(),
    }),
  ),
  models: z.array(
    z.object({
      path: z.string(),
      backend: z.string(),
      holds: z.boolean(),
      dimension: z.int(),
      expectations: z.array(z.object({ what: z.string(), holds: z.boolean() })),
      probes: z.array(z.object({ holds: z.boolean() })),
    }),
  ),
});
type Report = z.infer<typeof reportSchema>;
async function doctor(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout } = await kimera(['doctor', ...args, '--json'], scratch, '', { environment });
  return { code, report: reportSchema.parse(JSON.parse(stdout)) };
}
const problems = ({ findings }: Report): readonly string[] =>
  findings.filter(({ state }) => state === 'problem').map(({ what }) => what);

describe('kimera doctor', () => {
  it('probes the model on both backends, and looks at the machine, the runtime and the database without making one', async () => {
    const { code, report } = await doctor(['--model', join(root, 'fixtures/models/bge-m3-tiny')]);
    expect([code, report.healthy, problems(report)]).toEqual([0, true, []]);
    expect(report.models.map(({ backend, holds, probes }) => [backend, holds, probes.length > 3])).toEqual([
      ['onnx', true, true],
      ['wasm', true, true],
    ]);
    expect(report.findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'Node.js',
        'processor features',
        'native ONNX Runtime',
        '8-bit products',
        'embedded database',
        'variables',
      ]),
    );
    expect(report.findings.find(({ what }) => what === 'embedded database')).toMatchObject({
      state: 'note',
      value: expect.stringContaining('none yet'),
    });
  });

  it('says that a model is not what it is taken for', async () => {
    const other = join(root, 'fixtures/models/bert-tiny-prompts');
    const { code, report } = await doctor(['--model', other, '--like', 'bge-m3'], { USE_ONNX: '0' });
    expect([code, report.healthy]).toEqual([2, false]);
    expect(report.models.map(({ backend }) => backend)).toEqual(['wasm']);
    expect(report.models[0]?.expectations).toEqual([
      { what: 'dimension', holds: false },
      { what: 'maxTokens', holds: false },
      { what: 'heads', holds: false },
    ]);
    expect(report.findings.at(-1)?.advice).toBe(
      'dimension is 32, expected 1024; maxTokens is 48, expected 8192; heads is dense, expected dense, sparse, colbert',
    );
  });

  it('names variables that cannot be used and those that nothing reads, shows no secret, and goes on', async () => {
    const environment = {
      EMBEDDING_DIM: 'many',
      EMBEDDING_DIMS: '384',
      KIMERA_API_KEYS: 'hush',
      DATABASE_URL: 'postgres://me:hush@127.0.0.1:1/x',
    };
    const words = ['doctor', '--model', join(root, 'fixtures/models/bge-m3-tiny')];
    const { stdout } = await kimera(words, scratch, '', { environment });
    expect(stdout).toContain('NO  environment: EMBEDDING_DIM: many\n     expected a whole number above 0');
    expect(stdout).toContain('--  environment: EMBEDDING_DIMS: (set)\n     nothing reads it');
    expect(stdout).toContain('NO  database: database: the database postgres://me@127.0.0.1:1/x is not available');
    expect(stdout).not.toContain('hush');
    expect(stdout).toMatch(/2 of \d+ do not work\n$/);
  });

  it('sees what the server would refuse, and takes a backend that is not there for a note where another serves', async () => {
    const model = ['--model', join(root, 'fixtures/models/bge-m3-tiny')];
    const wrong = await doctor(model, { USE_ONNX: '0', EMBEDDING_DIM: '1024' });
    expect([wrong.code, wrong.report.findings.at(-1)?.advice]).toEqual([2, expect.stringContaining('expected 1024')]);
    const coreml = await doctor(model, {
      ONNX_EXECUTION_PROVIDERS: process.platform === 'darwin' ? 'cuda,cpu' : 'coreml,cpu',
    });
    expect(coreml.code).toBe(0);
    expect(
      coreml.report.findings.filter(({ area }) => area === 'model').map(({ state, advice }) => [state, advice]),
    ).toEqual([
      ['note', 'onnx serves this model instead'],
      ['fine', undefined],
      ['fine', undefined],
    ]);
  });

  it('says why a model cannot be opened', async () => {
    const broken = join(scratch, 'broken');
    await cp(join(root, 'fixtures/models/bge-m3-tiny'), broken, { recursive: true });
    const weights = join(broken, 'onnx/model.onnx_data');
    await writeFile(weights, (await readFile(weights)).fill(0, 0, 40_000));
    const { code, report } = await doctor(['--model', broken], { USE_ONNX: '0' });
    expect(code).toBe(2);
    expect(report.findings.at(-1)).toMatchObject({
      area: 'model',
      state: 'problem',
      advice: expect.stringContaining('models verify'),
    });
    const absent = await doctor(['--model', './nothing']);
    expect(absent.report.findings.at(-1)?.value).toContain('nothing');
  });
});
