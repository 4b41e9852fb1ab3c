import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { FileWindow } from './file-window.js';
import { InvalidOnnxError, UnsafeExternalDataError } from './errors.js';
import type { InspectedPort, InspectedTensor, OnnxInspection } from './inspection.js';
import { readOnnxPort } from './onnx-port.js';
import { readOnnxTensor, type OnnxTensor } from './onnx-tensor.js';
import { ProtobufReader, type ByteRange } from './protobuf-reader.js';

/** Protobuf's own limit for a message: 2 GiB - 1. */
const MAX_FILE_BYTES = 0x7fffffff;
/** Graphs within graphs (If, Loop). Real models have two or three. */
const MAX_GRAPH_DEPTH = 32;
/** Named tensors kept in memory; a graph of a large language model has a few thousand. */
const MAX_TENSORS = 100_000;
/** Up to IR version 3 the weights are inputs too. */
const MAX_PORTS = MAX_TENSORS;
const MAX_OPERATORS = 10_000;

/** What is collected over a model, its subgraphs and functions. */
interface Collected {
  readonly operators: Map<string, number>;
  readonly tensors: OnnxTensor[];
  readonly inputs: InspectedPort[];
  readonly outputs: InspectedPort[];
}

/**
 * Reads what an ONNX file declares; weights are skipped, nothing is executed, memory does not grow with the file's
 * size.
 * @throws InvalidOnnxError, UnsafeExternalDataError, and the file system's errors.
 */
export async function inspectOnnx(path: string): Promise<OnnxInspection> {
  const fail = (reason: string): never => {
    throw new InvalidOnnxError(path, reason);
  };
  const window = new FileWindow(path);
  try {
    if (window.size === 0) fail('the file is empty');
    if (window.size > MAX_FILE_BYTES) fail(`${window.size} bytes, protobuf ends at ${MAX_FILE_BYTES}`);
    if (window.read(0, 8).toString('latin1') === 'version ')
      fail('a Git LFS pointer, not the file itself: fetch it with git lfs pull');
    const { tensors, operators, inputs, ...model } = readModel(
      new ProtobufReader(window, fail),
      { start: 0, end: window.size },
      fail,
    );
    const weights = new Set(tensors.map(({ name }) => name));
    return {
      kind: 'onnx',
      path,
      bytes: window.size,
      ...model,
      // Files of IR version 3 and before list the weights among the inputs.
      inputs: inputs.filter(({ name }) => !weights.has(name)),
      operators: Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1))),
      nodes: [...operators.values()].reduce((sum, count) => sum + count, 0),
      tensors: tensors.map(({ external, ...tensor }): InspectedTensor =>
        external === undefined ? tensor : { ...tensor, location: external.location },
      ),
      externalFiles: await externalFiles(path, tensors),
    };
  } finally {
    window.close();
  }
}

function readModel(
  reader: ProtobufReader,
  range: ByteRange,
  fail: (reason: string) => never,
): Collected & Pick<OnnxInspection, 'irVersion' | 'producer' | 'opsets'> {
  const collected: Collected = { operators: new Map(), tensors: [], inputs: [], outputs: [] };
  const opsets = new Map<string, number>();
  let irVersion = 0;
  let producer = '';
  let graphs = 0;
  for (const field of reader.fields(range)) {
    if (field.number === 1) irVersion = reader.count(field);
    else if (field.number === 2) producer = reader.text(field);
    else if (field.number === 8) {
      let domain = '';
      let version = 0;
      for (const part of reader.fields(reader.bytes(field))) {
        if (part.number === 1) domain = reader.text(part);
        else if (part.number === 2) version = reader.count(part);
      }
      if (opsets.size >= MAX_OPERATORS) fail(`more than ${MAX_OPERATORS} operator sets`);
      opsets.set(domain, version);
    } else if (field.number === 7) {
      graphs += 1;
      readGraph(reader, reader.bytes(field), collected, 1, fail);
    } else if (field.number === 25) {
      for (const part of reader.fields(reader.bytes(field)))
        if (part.number === 7) readNode(reader, reader.bytes(part), collected, 1, fail);
    }
  }
  if (irVersion === 0) fail('no IR version: not an ONNX model');
  if (graphs !== 1) fail(`${graphs} graphs, an ONNX model has one`);
  return { ...collected, irVersion, producer, opsets: Object.fromEntries(opsets) };
}

/** A GraphProto. Inputs and outputs are those of the outermost graph. */
function readGraph(
  reader: ProtobufReader,
  range: ByteRange,
  collected: Collected,
  depth: number,
  fail: (reason: string) => never,
): void {
  if (depth > MAX_GRAPH_DEPTH) fail(`graphs within graphs beyond ${MAX_GRAPH_DEPTH} levels`);
  for (const field of reader.fields(range)) {
    if (field.number === 1) readNode(reader, reader.bytes(field), collected, depth, fail);
    else if (field.number === 5) {
      if (collected.tensors.length >= MAX_TENSORS) fail(`more than ${MAX_TENSORS} tensors`);
      collected.tensors.push(readOnnxTensor(reader, reader.bytes(field), fail));
    } else if (depth === 1 && (field.number === 11 || field.number === 12)) {
      const ports = field.number === 11 ? collected.inputs : collected.outputs;
      if (ports.length >= MAX_PORTS) fail(`more than ${MAX_PORTS} inputs or outputs`);
      ports.push(readOnnxPort(reader, reader.bytes(field), fail));
    }
  }
}

/** A NodeProto, and the graphs in its attributes. */
function readNode(
  reader: ProtobufReader,
  range: ByteRange,
  collected: Collected,
  depth: number,
  fail: (reason: string) => never,
): void {
  let operator = '';
  let domain = '';
  for (const field of reader.fields(range)) {
    if (field.number === 4) operator = reader.text(field);
    else if (field.number === 7) domain = reader.text(field);
    else if (field.number === 5) {
      for (const part of reader.fields(reader.bytes(field))) {
        if (part.number === 6 || part.number === 11) readGraph(reader, reader.bytes(part), collected, depth + 1, fail);
      }
    }
  }
  if (operator === '') fail('a node without an operator');
  const name = domain === '' || domain === 'ai.onnx' ? operator : `${domain}::${operator}`;
  const { operators } = collected;
  if (operators.size >= MAX_OPERATORS && !operators.has(name)) fail(`more than ${MAX_OPERATORS} kinds of operators`);
  operators.set(name, (operators.get(name) ?? 0) + 1);
}

/** The files that hold external data. ONNX Runtime refuses the same locations. */
async function externalFiles(path: string, tensors: readonly OnnxTensor[]): Promise<OnnxInspection['externalFiles']> {
  const needed = new Map<string, { readonly tensor: string; end: number }>();
  for (const { name, external } of tensors) {
    if (external === undefined) continue;
    const { location, end } = external;
    if (!isInside(location)) throw new UnsafeExternalDataError(path, name, location);
    const known = needed.get(location);
    if (known === undefined) needed.set(location, { tensor: name, end });
    else known.end = Math.max(known.end, end);
  }
  const files: OnnxInspection['externalFiles'][number][] = [];
  for (const [name, { tensor, end }] of needed)
    files.push({ name, needed: end, bytes: await sizeInside(path, tensor, name) });
  return files;
}

function isInside(location: string): boolean {
  return location !== '' && !/^([/\\]|[A-Za-z]:)|[\0]/.test(location) && !location.split(/[/\\]/).includes('..');
}

/** Size of the file, or null where there is none. */
async function sizeInside(path: string, tensor: string, location: string): Promise<number | null> {
  const folder = await realpath(dirname(path));
  const target = await realpath(join(folder, location)).catch(() => undefined);
  if (target === undefined) return null;
  if (!target.startsWith(folder + sep)) throw new UnsafeExternalDataError(path, tensor, location);
  return (await stat(target)).size;
}
