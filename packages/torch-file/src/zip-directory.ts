import { type PositionedFile, ResourceLimitError, UnsafePathError } from '@kimera/tensor-file';
import { InvalidZipError, UnsupportedTorchFileError } from './errors.js';

/** An uncompressed record: bytes [from, from + length) of the file. */
export interface ZipRecord {
  readonly name: string;
  readonly from: number;
  readonly length: number;
  readonly crc32: number;
}

// Sizes and signatures of APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16.
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 65_535;
/** Records of one file: a model of 100 layers has some 2,000. */
const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 32 << 20;

interface Directory {
  readonly entries: number;
  readonly from: number;
  readonly length: number;
  /** Where the end records start. */
  readonly end: number;
}

/**
 * The records of a zip as torch.save writes it: stored, unencrypted, each name once. @throws InvalidZipError,
 * UnsafePathError, UnsupportedTorchFileError, ResourceLimitError.
 */
export async function readZipDirectory(file: PositionedFile): Promise<ReadonlyMap<string, ZipRecord>> {
  const directory = await findDirectory(file);
  const { path } = file;
  if (directory.entries > MAX_ENTRIES)
    throw new ResourceLimitError(path, 'zip records', directory.entries, MAX_ENTRIES);
  if (directory.length > MAX_DIRECTORY_BYTES)
    throw new ResourceLimitError(path, 'bytes of the zip directory', directory.length, MAX_DIRECTORY_BYTES);
  if (directory.from + directory.length !== directory.end)
    throw new InvalidZipError(
      path,
      `the directory of ${directory.length} bytes at ${directory.from} does not end where the end record starts, at ${directory.end}`,
    );
  if (directory.entries * ENTRY_BYTES > directory.length)
    throw new InvalidZipError(
      path,
      `${directory.entries} records do not fit into a directory of ${directory.length} bytes`,
    );
  const bytes = Buffer.from(await file.read(directory.from, directory.length));
  const records = new Map<string, ZipRecord>();
  let at = 0;
  for (let i = 0; i < directory.entries; i++) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50)
      throw new InvalidZipError(path, `directory entry ${i} is damaged`);
    const [nameLength, extraLength, commentLength] = [
      bytes.readUInt16LE(at + 28),
      bytes.readUInt16LE(at + 30),
      bytes.readUInt16LE(at + 32),
    ];
    const next = at + ENTRY_BYTES + nameLength + extraLength + commentLength;
    if (next > bytes.length) throw new InvalidZipError(path, `directory entry ${i} is cut`);
    const name = recordName(path, bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength));
    if (records.has(name)) throw new InvalidZipError(path, `two records are named ${name}`);
    records.set(name, await readEntry(file, directory, bytes.subarray(at, next), name));
    at = next;
  }
  if (at !== bytes.length) throw new InvalidZipError(path, `${bytes.length - at} bytes after the last directory entry`);
  let end = 0;
  for (const { name, from, length } of [...records.values()].sort((a, b) => a.from - b.from)) {
    if (from < end) throw new InvalidZipError(path, `record ${name} overlaps the one before`);
    end = from + length;
  }
  return records;
}

async function findDirectory(file: PositionedFile): Promise<Directory> {
  const tail = Buffer.from(
    await file.read(
      Math.max(0, file.size - END_BYTES - MAX_COMMENT_BYTES),
      Math.min(file.size, END_BYTES + MAX_COMMENT_BYTES),
    ),
  );
  let at = tail.length - END_BYTES;
  while (
    at >= 0 &&
    !(tail.readUInt32LE(at) === 0x06054b50 && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length)
  )
    at -= 1;
  if (at < 0) throw new InvalidZipError(file.path, 'no end record: the file is cut');
  const end = file.size - tail.length + at;
  const [entries, length, from] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  const locator =
    end >= LOCATOR_BYTES
      ? Buffer.from(await file.read(end - LOCATOR_BYTES, LOCATOR_BYTES))
      : Buffer.alloc(LOCATOR_BYTES);
  if (locator.readUInt32LE(0) !== 0x07064b50) return { entries, from, length, end };
  const position = Number(locator.readBigUInt64LE(8));
  if (!(position + 56 <= end - LOCATOR_BYTES))
    throw new InvalidZipError(file.path, 'the zip64 end record lies outside the file');
  const record = Buffer.from(await file.read(position, 56));
  if (record.readUInt32LE(0) !== 0x06064b50)
    throw new InvalidZipError(file.path, 'no zip64 end record where its locator says');
  return {
    entries: Number(record.readBigUInt64LE(32)),
    length: Number(record.readBigUInt64LE(40)),
    from: Number(record.readBigUInt64LE(48)),
    end: position,
  };
}

async function readEntry(file: PositionedFile, directory: Directory, entry: Buffer, name: string): Promise<ZipRecord> {
  const { path } = file;
  const [flags, method, crc32] = [entry.readUInt16LE(8), entry.readUInt16LE(10), entry.readUInt32LE(16)];
  if ((flags & 1) !== 0) throw new InvalidZipError(path, `record ${name} is encrypted`);
  if (method !== 0)
    throw new UnsupportedTorchFileError(
      path,
      `record ${name} is compressed (method ${method}), which torch.save never does`,
    );
  const nameLength = entry.readUInt16LE(28);
  const extra = entry.subarray(ENTRY_BYTES + nameLength, ENTRY_BYTES + nameLength + entry.readUInt16LE(30));
  const [length, stored, header] = large(path, extra, [
    entry.readUInt32LE(24),
    entry.readUInt32LE(20),
    entry.readUInt32LE(42),
  ]);
  if (length !== stored)
    throw new InvalidZipError(path, `record ${name} is stored, and its two sizes differ: ${stored} and ${length}`);
  if (!(header + LOCAL_BYTES <= directory.from))
    throw new InvalidZipError(path, `record ${name} starts outside the data`);
  const local = Buffer.from(await file.read(header, LOCAL_BYTES));
  if (local.readUInt32LE(0) !== 0x04034b50)
    throw new InvalidZipError(path, `record ${name} has no header at ${header}`);
  const from = header + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (!(from + length <= directory.from))
    throw new InvalidZipError(path, `record ${name} of ${length} bytes reaches into the directory`);
  const localName = await file.read(header + LOCAL_BYTES, local.readUInt16LE(26));
  if (Buffer.compare(localName, entry.subarray(ENTRY_BYTES, ENTRY_BYTES + nameLength)) !== 0)
    throw new InvalidZipError(path, `record ${name} has another name in its own header`);
  return { name, from, length, crc32 };
}

/**
 * Sizes that do not fit into 32 bits are in the zip64 extra field (0x0001), in this order, those that are 0xffffffff
 * alone.
 */
function large(
  path: string,
  extra: Buffer,
  values: readonly [number, number, number],
): readonly [number, number, number] {
  if (values.every((value) => value !== 0xffffffff)) return values;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let next = at + 4;
    const end = Math.min(extra.length, next + extra.readUInt16LE(at + 2));
    const read = (value: number): number => {
      if (value !== 0xffffffff) return value;
      if (next + 8 > end) throw new InvalidZipError(path, 'a zip64 field is cut');
      next += 8;
      return Number(extra.readBigUInt64LE(next - 8));
    };
    return [read(values[0]), read(values[1]), read(values[2])];
  }
  throw new InvalidZipError(path, 'a size of 4 GB without a zip64 field');
}

/**
 * Records are never written to the disk. A name that would leave a folder is refused all the same: such a file was made
 * to do harm.
 */
function recordName(path: string, bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidZipError(path, 'a record name is not UTF-8');
  }
  if (
    name === '' ||
    name.startsWith('/') ||
    name.includes('\0') ||
    name.includes('\\') ||
    name.split('/').some((part) => part === '..' || part === '.')
  )
    throw new UnsafePathError(path, name);
  return name;
}
