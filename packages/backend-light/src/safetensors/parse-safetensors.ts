import { z } from 'zod';
import { InvalidSafetensorsError } from '../errors/invalid-safetensors-error.js';
import { ELEMENT_BYTES, isElementType, type ElementType } from './element-type.js';
import type { Tensor } from './tensor.js';

/** A static model has three tensors; this leaves room for metadata, and keeps a hostile header from being parsed at all. */
const MAX_HEADER_BYTES = 1_000_000;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({ dtype: z.string(), shape: z.array(size).max(8), data_offsets: z.tuple([size, size]) });
const metadataSchema = z.record(z.string(), z.string());

interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly from: number;
  readonly to: number;
}

/**
 * The tensors of a safetensors file by name, views of its bytes: no holes, no overlap, exact length, no name twice.
 * @param source for messages. @throws InvalidSafetensorsError.
 */
export function parseSafetensors(file: Uint8Array<ArrayBuffer>, source: string): ReadonlyMap<string, Tensor> {
  const fail = (reason: string): never => {
    throw new InvalidSafetensorsError(source, reason);
  };
  if (file.length < 8) return fail(`${file.length} bytes, a safetensors file has at least 8`);
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) return fail(`the header claims ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  const start = 8 + Number(length);
  if (start > file.length) return fail(`the header claims ${length} bytes, ${file.length - 8} are there`);
  const entries = readHeader(file.subarray(8, start), fail);
  checkRanges(entries, file.length - start, fail);
  return new Map(entries.map(({ name, type, shape, from, to }) => [name, { type, shape, bytes: file.subarray(start + from, start + to) }]));
}

type Fail = (reason: string) => never;

function readHeader(bytes: Uint8Array, fail: Fail): readonly Entry[] {
  if (bytes[0] !== 0x7b) return fail('the header does not start with {');
  const named = objectEntries(parseJson(bytes, fail));
  if (countKeys(bytes) !== named.length) return fail('the header names a tensor twice');
  return named.flatMap(([name, value]): readonly Entry[] => {
    if (name === '__metadata__') return metadataSchema.safeParse(value).success ? [] : fail('__metadata__ is not a map of strings');
    const entry = entrySchema.safeParse(value);
    if (!entry.success) return fail(`tensor ${name}: ${entry.error.issues[0]?.path.join('.')}: ${entry.error.issues[0]?.message}`);
    const { dtype, shape, data_offsets: [from, to] } = entry.data;
    if (!isElementType(dtype)) return fail(`tensor ${name} has the unknown type ${dtype}`);
    return [{ name, type: dtype, shape, from, to }];
  });
}

function checkRanges(entries: readonly Entry[], dataBytes: number, fail: Fail): void {
  let end = 0;
  for (const { name, type, shape, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const expected = shape.reduce((product, dimension) => product * dimension, ELEMENT_BYTES[type]);
    if (!Number.isSafeInteger(expected) || to - from !== expected) fail(`tensor ${name} has ${to - from} bytes, its shape [${shape.join(', ')}] needs ${expected}`);
    if (from !== end) fail(`tensor ${name} starts at ${from}, the one before ends at ${end}`);
    end = to;
  }
  if (end !== dataBytes) fail(`the tensors take ${end} bytes, ${dataBytes} are there`);
}

function parseJson(bytes: Uint8Array, fail: Fail): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('the header is not JSON in UTF-8');
  }
}

function objectEntries(header: unknown): readonly (readonly [string, unknown])[] {
  return typeof header === 'object' && header !== null ? Object.entries(header) : [];
}

/** JSON.parse keeps the last of two equal keys: those of the header are counted in the text (depth 1) and compared. */
function countKeys(bytes: Uint8Array): number {
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
  return keys;
}
