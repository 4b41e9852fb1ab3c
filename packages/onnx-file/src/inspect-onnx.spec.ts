import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KimeraError } from '@kimera/core';
import fc from 'fast-check';
import { InvalidOnnxError, UnsafeExternalDataError } from './errors.js';
import { inspectOnnx } from './inspect-onnx.js';
import type { OnnxInspection } from './inspection.js';
import { OnnxGraph } from './onnx-graph.js';
import { ProtobufWriter, varint } from './protobuf-writer.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');

const shipped = join(root, 'models/all-MiniLM-L6-v2');
let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kimera-inspect-'));
  await writeFile(join(scratch, 'data.bin'), new Uint8Array(64));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function inspectBytes(bytes: Uint8Array): Promise<OnnxInspection> {
  const path = join(scratch, 'model.onnx');
  await writeFile(path, bytes);
  return inspectOnnx(path);
}

const writer = (): ProtobufWriter => new ProtobufWriter();
const model = (graph: ProtobufWriter): Uint8Array => writer().int(1, 8).message(7, graph).finish();
const tensor = (parts: ProtobufWriter): Uint8Array => model(writer().message(5, parts));
function external(location: string, extra: Readonly<Record<string, string>> = {}): Uint8Array {
  const parts = writer().int(1, 4).int(2, 1).string(8, 'w').int(14, 1);
  for (const [key, value] of Object.entries({ location, ...extra }))
    parts.message(13, writer().string(1, key).string(2, value));
  return tensor(parts);
}

describe('inspectOnnx', () => {
  it('tells what a graph declares', async () => {
    const graph = new OnnxGraph();
    const ids = graph.input('ids', 'int64', ['batch', 8]);
    const table = graph.external('table', 'float16', [4, 2], { location: 'data.bin', offset: 32, length: 16 });
    const rows = graph.node('Gather', [table, ids]);
    graph.output(graph.fused('FastGelu', [graph.node('Mul', [rows, graph.float(2)])]), 'out', 'float16', [
      'batch',
      8,
      2,
    ]);
    const inspection = await inspectBytes(graph.serialize('g', 18));
    expect(inspection).toMatchObject({
      irVersion: 8,
      producer: 'kimera',
      opsets: { '': 18, 'com.microsoft': 1 },
      inputs: [{ name: 'ids', type: 'int64', shape: ['batch', 8] }],
      outputs: [{ name: 'out', type: 'float16', shape: ['batch', 8, 2] }],
      operators: { Gather: 1, Identity: 1, Mul: 1, 'com.microsoft::FastGelu': 1 },
      nodes: 4,
      tensors: [
        { name: 'table', type: 'float16', shape: [4, 2], bytes: 16, location: 'data.bin' },
        { type: 'float32', shape: [], bytes: 4 },
      ],
      externalFiles: [{ name: 'data.bin', needed: 48, bytes: 64 }],
    });
  });

  it('counts the nodes of subgraphs and functions, and leaves weights out of the inputs', async () => {
    const node = (operator: string): ProtobufWriter => writer().string(4, operator);
    const inner = writer()
      .message(1, node('Add'))
      .message(5, writer().int(2, 1).string(8, 'inner').bytes(9, new Uint8Array(4)));
    const branch = node('If').message(5, writer().string(1, 'then_branch').message(6, inner).int(20, 5));
    const graph = writer()
      .message(1, branch)
      .message(11, writer().string(1, 'inner'))
      .message(11, writer().string(1, 'x'));
    const bytes = writer()
      .int(1, 8)
      .message(7, graph)
      .message(25, writer().message(7, node('Mul')))
      .finish();
    const inspection = await inspectBytes(bytes);
    expect(inspection.operators).toEqual({ Add: 1, If: 1, Mul: 1 });
    expect(inspection.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(inspection.tensors.map(({ name }) => name)).toEqual(['inner']);
  });

  it('says that a data file is absent or too short', async () => {
    expect((await inspectBytes(external('absent.bin'))).externalFiles).toEqual([
      { name: 'absent.bin', needed: 16, bytes: null },
    ]);
    expect((await inspectBytes(external('data.bin', { offset: '60' }))).externalFiles).toEqual([
      { name: 'data.bin', needed: 76, bytes: 64 },
    ]);
  });
});

describe('external data outside the folder', () => {
  it.each([
    '../data.bin',
    'a/../../data.bin',
    '..\\data.bin',
    '/etc/hostname',
    'C:\\data.bin',
    '\\\\host\\data.bin',
    '',
    'data\0.bin',
  ])('%j is refused', async (location) => {
    await expect(inspectBytes(external(location))).rejects.toBeInstanceOf(UnsafeExternalDataError);
  });
  it('a link that leads away is refused', async () => {
    await symlink(join(root, 'fixtures/checkpoints/bert-tiny-mean/config.json'), join(scratch, 'away.bin'));
    await expect(inspectBytes(external('away.bin'))).rejects.toBeInstanceOf(UnsafeExternalDataError);
  });
});

describe('hostile ONNX files', () => {
  const shape = (...dims: number[]): ProtobufWriter =>
    dims.reduce((parts, dimension) => parts.int(1, dimension), writer().int(2, 1));
  const many = (tensors: number): ProtobufWriter =>
    Array.from({ length: tensors }).reduce((graph: ProtobufWriter) => graph.bytes(5, Uint8Array.of(0x10, 1)), writer());
  const output = (dimensions: number): Uint8Array => {
    const dims = Array.from({ length: dimensions }).reduce(
      (parts: ProtobufWriter) => parts.message(1, writer()),
      writer(),
    );
    return model(writer().message(12, writer().message(2, writer().message(1, writer().message(2, dims)))));
  };
  let nested = writer();
  for (let level = 0; level < 200; level++)
    nested = writer().message(1, writer().string(4, 'If').message(5, writer().message(6, nested)));
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['0 bytes', new Uint8Array()],
    ['text', Buffer.from('<!doctype html><html></html>')],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n')],
    ['no IR version', writer().message(7, writer()).finish()],
    ['no graph', writer().int(1, 8).finish()],
    ['two graphs', writer().int(1, 8).message(7, writer()).message(7, writer()).finish()],
    ['a graph that is a number', writer().int(1, 8).int(7, 1).finish()],
    ['field number 0', Uint8Array.of(8, 8, 0, 0)],
    ['a group', Uint8Array.of(8, 8, 0x0b)],
    ['a varint without end', Uint8Array.of(8, ...new Uint8Array(20).fill(0xff))],
    ['a length beyond the file', Buffer.concat([Uint8Array.of(8, 8, 0x3a), varint(1_000)])],
    ['a length of 2^64 - 1', Buffer.concat([Uint8Array.of(8, 8, 0x3a), varint(-1)])],
    ['a node longer than its graph', Buffer.concat([Uint8Array.of(8, 8, 0x3a, 2, 0x0a, 100), new Uint8Array(100)])],
    ['a node without operator', model(writer().message(1, writer().string(1, 'x')))],
    ['graphs 200 deep', model(nested)],
    ['an unknown element type', tensor(writer().int(2, 99))],
    ['a negative dimension', tensor(shape(-1))],
    ['a shape of 2^80 elements', tensor(shape(2 ** 40, 2 ** 40))],
    ['100 dimensions', tensor(shape(...new Array<number>(100).fill(1)))],
    ['packed dimensions without end', tensor(writer().int(2, 1).bytes(1, new Uint8Array(1_000).fill(1)))],
    ['raw data of another size', tensor(shape(4).bytes(9, new Uint8Array(12)))],
    ['external data of another size', external('data.bin', { length: '12' })],
    ['an offset that is no number', external('data.bin', { offset: '0x10' })],
    ['a negative offset', external('data.bin', { offset: '-1' })],
    ['a name of 100,000 bytes', tensor(shape(1).string(8, 'x'.repeat(100_000)))],
    ['a name that is not UTF-8', tensor(shape(1).bytes(8, Uint8Array.of(0xff, 0xfe)))],
    ['an output of 65 dimensions', output(65)],
    ['100,001 tensors', model(many(100_001))],
  ];
  it('limits refuse what is beyond them, not what is at them', async () => {
    expect((await inspectBytes(model(many(1_000)))).tensors).toHaveLength(1_000);
    expect((await inspectBytes(output(64))).outputs[0]?.shape).toHaveLength(64);
  });
  it.each(cases)('%s: refused', async (_what, bytes) => {
    await expect(inspectBytes(bytes)).rejects.toBeInstanceOf(InvalidOnnxError);
  });

  it('a field flood ends at the limit', async () => {
    // A million empty unknown fields of two bytes each, and one more.
    const flood = Buffer.alloc(2 * 1_000_001, Uint8Array.of(0x62, 0x00));
    await expect(inspectBytes(Buffer.concat([Uint8Array.of(8, 8), flood]))).rejects.toThrow('more than 1000000 fields');
  });

  it.each(['model.onnx', 'model_fast.onnx'])(
    '%s with any bytes changed, cut or doubled: a result or a refusal, never a crash',
    async (name) => {
      const whole = await readFile(join(shipped, 'onnx', name));
      const position = fc.nat(whole.length - 1);
      const mutation = fc.oneof(
        fc.record({ kind: fc.constant('set' as const), at: position, value: fc.nat(255) }),
        fc.record({ kind: fc.constant('cut' as const), at: position, value: fc.constant(0) }),
        fc.record({ kind: fc.constant('remove' as const), at: position, value: fc.integer({ min: 1, max: 64 }) }),
        fc.record({ kind: fc.constant('double' as const), at: position, value: fc.integer({ min: 1, max: 64 }) }),
      );
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 8 }), async (mutations) => {
          let bytes = Buffer.from(whole);
          for (const { kind, at, value } of mutations) {
            if (kind === 'set' && at < bytes.length) bytes[at] = value;
            else if (kind === 'cut') bytes = bytes.subarray(0, at);
            else if (kind === 'remove') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
            else if (kind === 'double') bytes = Buffer.concat([bytes.subarray(0, at + value), bytes.subarray(at)]);
          }
          try {
            await inspectBytes(bytes);
          } catch (error) {
            if (!(error instanceof KimeraError)) throw error;
            refused += 1;
          }
        }),
        { numRuns: 300 },
      );
      expect(refused).toBeGreaterThan(150);
    },
  );

  it('random bytes: a result or a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const error = await inspectBytes(bytes).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(KimeraError);
      }),
      { numRuns: 300 },
    );
  });
});
