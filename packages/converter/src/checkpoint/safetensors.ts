import { z } from 'zod';
import { InvalidCheckpointError, MissingTensorError } from '../errors/checkpoint-errors.js';
import { ELEMENT_BYTES, isElementType, type ElementType } from './element-type.js';
import { openPositioned, type PositionedFile } from './positioned-file.js';
import { elementCount, tensorSource, type TensorFile, type TensorSource } from './tensor-source.js';

/** safetensors 0.8, tensor.rs MAX_HEADER_SIZE. */
const MAX_HEADER_BYTES = 100_000_000;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });
interface Entry {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly from: number;
  readonly to: number;
}

/** Opens and checks a safetensors file: no holes, no overlap, exact length. @throws InvalidCheckpointError, LfsPointerError. */
export async function openSafetensors(path: string): Promise<TensorSource> {
  const file = await openPositioned(path);
  try {
    const { entries, dataStart } = await readHeader(file);
    return tensorSource(tensorFile(file, entries, dataStart));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeader(file: PositionedFile): Promise<{ readonly entries: ReadonlyMap<string, Entry>; readonly dataStart: number }> {
  const fail = (reason: string): never => {
    throw new InvalidCheckpointError(file.path, reason);
  };
  const fileBytes = file.size;
  if (fileBytes < 8) return fail(`${fileBytes} bytes, a safetensors file has at least 8`);
  const length = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) return fail(`the header claims ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  if (Number(length) + 8 > fileBytes) return fail(`the header claims ${length} bytes, ${fileBytes - 8} are there`);
  const bytes = await file.read(8, Number(length));
  if (bytes[0] !== 0x7b) return fail('the header does not start with {');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('the header is not JSON in UTF-8');
  }
  const named = objectEntries(header);
  if (countKeys(bytes) !== named.length) fail('the header names a tensor twice');
  const entries = new Map<string, Entry>();
  for (const [name, value] of named) {
    if (name === '__metadata__') {
      if (!z.record(z.string(), z.string()).safeParse(value).success) fail('__metadata__ is not a map of strings');
      continue;
    }
    const entry = entrySchema.safeParse(value);
    if (!entry.success) return fail(`tensor ${name}: ${entry.error.issues[0]?.path.join('.')}: ${entry.error.issues[0]?.message}`);
    const { dtype, shape, data_offsets } = entry.data;
    if (!isElementType(dtype)) return fail(`tensor ${name} has the unknown type ${dtype}`);
    entries.set(name, { type: dtype, shape, from: data_offsets[0], to: data_offsets[1] });
  }
  let end = 0;
  for (const [name, { type, shape, from, to }] of [...entries].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    const expected = elementCount(shape) * ELEMENT_BYTES[type];
    if (!Number.isSafeInteger(expected) || to - from !== expected) return fail(`tensor ${name} has ${to - from} bytes, its shape [${shape.join(', ')}] needs ${expected}`);
    if (from !== end) return fail(`tensor ${name} starts at ${from}, the one before ends at ${end}`);
    end = to;
  }
  const dataStart = 8 + Number(length);
  if (dataStart + end !== fileBytes) return fail(`the tensors end at ${dataStart + end}, the file has ${fileBytes} bytes`);
  return { entries, dataStart };
}

/** Also of a tensor that is named `__proto__`. */
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

function tensorFile(file: PositionedFile, entries: ReadonlyMap<string, Entry>, dataStart: number): TensorFile {
  return {
    names: [...entries.keys()],
    entry: (name) => entries.get(name),
    bytes(name, { from, count }, memory) {
      const entry = entries.get(name);
      if (entry === undefined) throw new MissingTensorError(name);
      const width = ELEMENT_BYTES[entry.type];
      return file.read(dataStart + entry.from + from * width, count * width, memory);
    },
    async location(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw new MissingTensorError(name);
      return { path: file.path, offset: dataStart + entry.from, type: entry.type };
    },
    close: () => file.close(),
  };
}
