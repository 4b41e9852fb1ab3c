import { z } from 'zod';
import { isElementType } from './element-type.js';
import { tensorBytes, type TensorEntry } from './tensor.js';

/** Bytes before the header: its length, a little-endian u64. */
export const PREFIX_BYTES = 8;
/** safetensors 0.8, tensor.rs MAX_HEADER_SIZE. */
const MAX_HEADER_BYTES = 100_000_000;

/** Throws the caller's error. @param reason what is wrong, without the file's name. */
export type Refuse = (reason: string) => never;

export interface HeaderEntry extends TensorEntry {
  /** Bytes [from, to) from the start of the data. */
  readonly from: number;
  readonly to: number;
}

export interface Header {
  /** `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the header's order. */
  readonly entries: ReadonlyMap<string, HeaderEntry>;
}

const size = z.int().nonnegative();
const entrySchema = z.strictObject({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });
const metadataSchema = z.record(z.string(), z.string()).default({});

/**
 * Bytes of the header, which lies behind the prefix. @param prefix the first 8 bytes of the file, or all where it has
 * fewer.
 */
export function headerBytes(prefix: Uint8Array, fileBytes: number, refuse: Refuse, limit = MAX_HEADER_BYTES): number {
  if (fileBytes < PREFIX_BYTES) return refuse(`${fileBytes} bytes, a safetensors file has at least ${PREFIX_BYTES}`);
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (length > BigInt(limit)) return refuse(`the header claims ${length} bytes, the limit is ${limit}`);
  if (Number(length) > fileBytes - PREFIX_BYTES)
    return refuse(`the header claims ${length} bytes, ${fileBytes - PREFIX_BYTES} are there`);
  return Number(length);
}

/**
 * A header whose tensors fill the data: no holes, no overlap, exact length, no name twice. @param dataBytes what lies
 * behind the header.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, refuse: Refuse): Header {
  if (bytes[0] !== 0x7b) return refuse('the header does not start with {');
  const fields = new Map(Object.entries(parseJson(bytes, refuse)));
  if (countKeys(bytes) !== fields.size) return refuse('the header names a tensor twice');
  const metadata = metadataSchema.safeParse(fields.get('__metadata__'));
  if (!metadata.success) return refuse('__metadata__ is not a map of strings');
  fields.delete('__metadata__');
  const entries = new Map([...fields].map(([name, value]) => [name, parseEntry(name, value, refuse)]));
  checkRanges(entries, dataBytes, refuse);
  return { metadata: metadata.data, entries };
}

/** What starts with { is an object. */
function parseJson(bytes: Uint8Array, refuse: Refuse): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse('the header is not JSON in UTF-8');
  }
  return typeof value === 'object' && value !== null ? value : refuse('the header is not a JSON object');
}

function parseEntry(name: string, value: unknown, refuse: Refuse): HeaderEntry {
  const entry = entrySchema.safeParse(value);
  if (!entry.success)
    return refuse(`tensor ${name}: ${entry.error.issues[0]?.path.join('.')}: ${entry.error.issues[0]?.message}`);
  const {
    dtype,
    shape,
    data_offsets: [from, to],
  } = entry.data;
  return isElementType(dtype)
    ? { type: dtype, shape, from, to }
    : refuse(`tensor ${name} has the unknown type ${dtype}`);
}

function checkRanges(entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number, refuse: Refuse): void {
  let end = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    const [actual, expected] = [entry.to - entry.from, tensorBytes(entry)];
    if (!Number.isSafeInteger(expected) || actual !== expected)
      refuse(`tensor ${name} has ${actual} bytes, its shape [${entry.shape.join(', ')}] needs ${expected}`);
    if (entry.from !== end) refuse(`tensor ${name} starts at ${entry.from}, the one before ends at ${end}`);
    end = entry.to;
  }
  if (end !== dataBytes) refuse(`the tensors take ${end} bytes, ${dataBytes} are there`);
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
