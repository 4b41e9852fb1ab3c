import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { InvalidCheckpointError, MissingTensorError, NotFiniteError, UnsupportedModelError } from '../errors/checkpoint-errors.js';
import { fromBfloat16, fromHalf } from '../numeric/half.js';
import type { TensorSource } from './tensor-source.js';

/** safetensors 0.8, tensor.rs MAX_HEADER_SIZE. */
const MAX_HEADER_BYTES = 100_000_000;
/** Bytes an element takes, for every type of the specification. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, U16: 2, U32: 4, U64: 8, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1 };
const READ_BYTES = 8 << 20;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });
type Entry = z.infer<typeof entrySchema>;

/** Opens and checks a safetensors file: no holes, no overlap, exact length. @throws InvalidCheckpointError. */
export async function openSafetensors(path: string): Promise<TensorSource> {
  const file = await open(path, 'r');
  try {
    const { entries, dataStart } = await readHeader(file, path);
    return source(file, path, entries, dataStart);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeader(file: FileHandle, path: string): Promise<{ readonly entries: ReadonlyMap<string, Entry>; readonly dataStart: number }> {
  const fail = (reason: string): never => {
    throw new InvalidCheckpointError(path, reason);
  };
  const { size: fileBytes } = await file.stat();
  if (fileBytes < 8) return fail(`${fileBytes} bytes, a safetensors file has at least 8`);
  const length = (await readAt(file, 0, 8, path)).readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES)) return fail(`the header claims ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  if (Number(length) + 8 > fileBytes) return fail(`the header claims ${length} bytes, ${fileBytes - 8} are there`);
  const bytes = await readAt(file, 8, Number(length), path);
  if (bytes[0] !== 0x7b) return fail('the header does not start with {');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('the header is not JSON in UTF-8');
  }
  if (duplicateKey(header, bytes)) fail('the header names a tensor twice');
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(z.record(z.string(), z.unknown()).parse(header))) {
    if (name === '__metadata__') {
      if (!z.record(z.string(), z.string()).safeParse(value).success) fail('__metadata__ is not a map of strings');
      continue;
    }
    const entry = entrySchema.safeParse(value);
    if (!entry.success) return fail(`tensor ${name}: ${entry.error.issues[0]?.path.join('.')}: ${entry.error.issues[0]?.message}`);
    entries.set(name, entry.data);
  }
  let end = 0;
  for (const [name, { dtype, shape, data_offsets }] of [...entries].sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1])) {
    const width = Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : undefined;
    if (width === undefined) return fail(`tensor ${name} has the unknown type ${dtype}`);
    const expected = shape.reduce((product, dimension) => product * dimension, width);
    const [from, to] = data_offsets;
    if (!Number.isSafeInteger(expected) || to - from !== expected) return fail(`tensor ${name} has ${to - from} bytes, its shape [${shape.join(', ')}] needs ${expected}`);
    if (from !== end) return fail(`tensor ${name} starts at ${from}, the one before ends at ${end}`);
    end = to;
  }
  const dataStart = 8 + Number(length);
  if (dataStart + end !== fileBytes) return fail(`the tensors end at ${dataStart + end}, the file has ${fileBytes} bytes`);
  return { entries, dataStart };
}

/** JSON.parse keeps the last of two equal keys: the header's keys at depth 1 are counted in the text and compared. */
function duplicateKey(header: unknown, bytes: Uint8Array): boolean {
  let depth = 0;
  let keys = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) {
      for (i += 1; i < bytes.length && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c) i += 1;
    } else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    else if (byte === 0x3a && depth === 1) keys += 1;
  }
  return keys !== Object.keys(z.record(z.string(), z.unknown()).parse(header)).length;
}

function source(file: FileHandle, path: string, entries: ReadonlyMap<string, Entry>, dataStart: number): TensorSource {
  return {
    names: [...entries.keys()],
    shape: (name) => entries.get(name)?.shape,
    async read(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw new MissingTensorError(name);
      const decode = decoders[entry.dtype as keyof typeof decoders];
      if (decode === undefined) throw new UnsupportedModelError(`the type of tensor ${name}`, entry.dtype, Object.keys(decoders));
      const width = ELEMENT_BYTES[entry.dtype] as number;
      const [from, to] = entry.data_offsets;
      const values = new Float32Array((to - from) / width);
      for (let at = from; at < to; at += READ_BYTES) {
        const bytes = await readAt(file, dataStart + at, Math.min(READ_BYTES, to - at), path);
        const first = (at - from) / width;
        for (let i = 0; i < bytes.length / width; i++) values[first + i] = decode(bytes, i * width);
      }
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw new NotFiniteError(name, bad);
      return values;
    },
    close: () => file.close(),
  };
}

const decoders: Readonly<Partial<Record<string, (bytes: Buffer, at: number) => number>>> = {
  F32: (bytes, at) => bytes.readFloatLE(at),
  F64: (bytes, at) => bytes.readDoubleLE(at),
  F16: (bytes, at) => fromHalf(bytes.readUInt16LE(at)),
  BF16: (bytes, at) => fromBfloat16(bytes.readUInt16LE(at)),
};

async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new InvalidCheckpointError(path, `${length} bytes expected at ${position}, ${bytesRead} read`);
  return buffer;
}
