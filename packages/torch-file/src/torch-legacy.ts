import { ELEMENT_BYTES } from '@kimera/safetensors';
import { type PositionedFile, InvalidCheckpointError, ResourceLimitError } from '@kimera/tensor-file';
import { InvalidPickleError, MissingStorageError, StorageSizeError, UnsupportedTorchFileError } from './errors.js';
import { collectTensors, type TorchContents } from './collect-tensors.js';
import { PickleDict, PickleList, type PickleValue, type TorchStorage } from './pickle-values.js';
import { Unpickler } from './unpickler.js';

/** torch/serialization.py (2.15) MAGIC_NUMBER and PROTOCOL_VERSION. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
/** Limit for all pickles of a file together. */
const MAX_PICKLE_BYTES = 32 << 20;

/**
 * The format before torch 1.6: five pickles (magic number, protocol, machine, object, storage keys), then each storage
 * as its count and its numbers.
 */
export async function openTorchLegacy(file: PositionedFile): Promise<TorchContents> {
  const { path, size } = file;
  const head = await file.read(0, Math.min(size, MAX_PICKLE_BYTES));
  let end = 0;
  const next = (): PickleValue => {
    const unpickler = new Unpickler(path, head, end);
    try {
      return unpickler.load();
    } catch (error) {
      if (error instanceof InvalidPickleError && head.length < size && unpickler.end + 16 >= head.length)
        throw new ResourceLimitError(path, 'bytes of the pickles', unpickler.end, MAX_PICKLE_BYTES);
      throw error;
    } finally {
      end = unpickler.end;
    }
  };
  if (next() !== MAGIC_NUMBER)
    throw new InvalidCheckpointError(path, 'a pickle, but not one of torch.save (wrong magic number)');
  const protocol = next();
  if (protocol !== PROTOCOL_VERSION)
    throw new UnsupportedTorchFileError(path, `protocol version ${shown(protocol)}, ${PROTOCOL_VERSION} is supported`);
  const machine = next();
  if (!(machine instanceof PickleDict)) throw new InvalidCheckpointError(path, 'no description of the machine');
  if (machine.entries.get('little_endian') !== true)
    throw new UnsupportedTorchFileError(path, 'written on a big-endian machine');
  const tensors = collectTensors(path, next());
  const keys = next();
  if (!(keys instanceof PickleList)) throw new InvalidCheckpointError(path, 'no list of storage keys');

  const storages = new Map<string, TorchStorage>();
  for (const { storage } of tensors.values()) storages.set(storage.key, storage);
  const starts = new Map<string, number>();
  for (const key of keys.items) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || starts.has(storage.key))
      throw new InvalidCheckpointError(
        path,
        `the list of storages names ${shown(key)}, which no tensor uses or which is there twice`,
      );
    if (end + 8 > size) throw new InvalidCheckpointError(path, `the file is cut before storage ${storage.key}`);
    const width = ELEMENT_BYTES[storage.type];
    const count = Number(new DataView((await file.read(end, 8)).buffer).getBigInt64(0, true));
    if (count !== storage.elements)
      throw new StorageSizeError(path, storage.key, storage.elements * width, count * width);
    if (end + 8 + count * width > size)
      throw new InvalidCheckpointError(path, `the file is cut in storage ${storage.key}`);
    starts.set(storage.key, end + 8);
    end += 8 + count * width;
  }
  for (const key of storages.keys()) if (!starts.has(key)) throw new MissingStorageError(path, key);
  if (end !== size) throw new InvalidCheckpointError(path, `${size - end} bytes after the last storage`);
  return {
    tensors,
    isSwapped: false,
    storageStart({ key }) {
      const start = starts.get(key);
      if (start === undefined) throw new MissingStorageError(path, key);
      return start;
    },
    verify: () => Promise.resolve(),
  };
}

/** A value for a message: text and numbers as they are, everything else by its class. */
function shown(value: PickleValue): string {
  return typeof value === 'object' ? (value?.constructor.name ?? 'None') : String(value);
}
