import { crc32 } from 'node:zlib';
import { ELEMENT_BYTES } from '@kimera/safetensors';
import { type PositionedFile, ResourceLimitError } from '@kimera/tensor-file';
import { InvalidZipError, MissingStorageError, StorageSizeError, UnsupportedTorchFileError } from './errors.js';
import { collectTensors, type TorchContents } from './collect-tensors.js';
import { Unpickler } from './unpickler.js';
import { readZipDirectory, type ZipRecord } from './zip-directory.js';

/** data.pkl holds names and shapes: a model of 2,000 tensors has 300 kB. */
const MAX_PICKLE_BYTES = 32 << 20;
const CHECKSUM_BYTES = 1 << 20;

/** The zip format of torch 1.6 and later: ROOT/data.pkl, ROOT/data/KEY, and from 2.1 on ROOT/byteorder. */
export async function openTorchZip(file: PositionedFile): Promise<TorchContents> {
  const { path } = file;
  const records = await readZipDirectory(file);
  const roots = new Set([...records.keys()].map((name) => name.split('/')[0] ?? ''));
  if ([...records.keys()].some((name) => /^[^/]+\/(code\/|constants\.pkl$)/.test(name)))
    throw new UnsupportedTorchFileError(path, 'a TorchScript program, not a checkpoint of tensors');
  const [root = ''] = roots;
  if (roots.size > 1) throw new InvalidZipError(path, `${roots.size} root folders, there should be one`);
  const pickle = records.get(`${root}/data.pkl`);
  if (pickle === undefined) throw new InvalidZipError(path, 'there is no data.pkl in it');
  if (pickle.length > MAX_PICKLE_BYTES)
    throw new ResourceLimitError(path, 'bytes of data.pkl', pickle.length, MAX_PICKLE_BYTES);

  const verified = new Map<ZipRecord, Promise<void>>();
  const verify = (record: ZipRecord): Promise<void> => {
    const known = verified.get(record) ?? checkRecord(file, record);
    verified.set(record, known);
    return known;
  };
  await verify(pickle);
  const order = records.get(`${root}/byteorder`);
  const isSwapped =
    order !== undefined &&
    Buffer.from(await file.read(order.from, Math.min(order.length, 16))).toString('latin1') === 'big';
  const tensors = collectTensors(path, new Unpickler(path, await file.read(pickle.from, pickle.length)).load());
  const find = (key: string): ZipRecord => {
    const record = records.get(`${root}/data/${key}`);
    if (record === undefined) throw new MissingStorageError(path, key);
    return record;
  };
  for (const { storage } of tensors.values()) {
    const expected = storage.elements * ELEMENT_BYTES[storage.type];
    const { length } = find(storage.key);
    if (length !== expected) throw new StorageSizeError(path, storage.key, expected, length);
  }
  return {
    tensors,
    isSwapped,
    storageStart: ({ key }) => find(key).from,
    verify: ({ key }) => verify(find(key)),
  };
}

/** torch itself does not look at the checksum of a storage. */
async function checkRecord(file: PositionedFile, { name, from, length, crc32: expected }: ZipRecord): Promise<void> {
  let actual = 0;
  const buffer = new Uint8Array(Math.min(CHECKSUM_BYTES, length));
  for (let at = 0; at < length; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - at));
    await file.readInto(part, from + at);
    actual = crc32(part, actual);
  }
  if (actual !== expected)
    throw new InvalidZipError(
      file.path,
      `record ${name} is damaged: its CRC-32 is ${actual.toString(16)}, ${expected.toString(16)} is recorded`,
    );
}
