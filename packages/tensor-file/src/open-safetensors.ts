import {
  ELEMENT_BYTES,
  headerBytes,
  parseHeader,
  PREFIX_BYTES,
  type Header,
  type HeaderEntry,
} from '@kimera/safetensors';
import { InvalidCheckpointError, MissingTensorError } from './errors.js';
import { openPositioned, type PositionedFile } from './positioned-file.js';
import { tensorSource, type TensorFile, type TensorSource } from './tensor-source.js';

export interface LocatedHeader extends Header {
  /** Bytes from the start of the file to the data. */
  readonly dataStart: number;
}

/**
 * Opens and checks a safetensors file: no holes, no overlap, exact length. @throws InvalidCheckpointError,
 * LfsPointerError.
 */
export async function openSafetensors(path: string): Promise<TensorSource> {
  const file = await openPositioned(path);
  try {
    return tensorSource(tensorFile(file, await readHeader(file)));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Nothing but the header is read. @throws InvalidCheckpointError. */
export async function readHeader(file: PositionedFile): Promise<LocatedHeader> {
  const refuse = (reason: string): never => {
    throw new InvalidCheckpointError(file.path, reason);
  };
  const length = headerBytes(await file.read(0, Math.min(PREFIX_BYTES, file.size)), file.size, refuse);
  const dataStart = PREFIX_BYTES + length;
  return { ...parseHeader(await file.read(PREFIX_BYTES, length), file.size - dataStart, refuse), dataStart };
}

function tensorFile(file: PositionedFile, { entries, dataStart }: LocatedHeader): TensorFile {
  const entryOf = (name: string): HeaderEntry => {
    const entry = entries.get(name);
    if (entry === undefined) throw new MissingTensorError(name);
    return entry;
  };
  return {
    names: [...entries.keys()],
    entry: (name) => entries.get(name),
    bytes(name, { from, count }, memory) {
      const entry = entryOf(name);
      const width = ELEMENT_BYTES[entry.type];
      return file.read(dataStart + entry.from + from * width, count * width, memory);
    },
    async location(name) {
      const entry = entryOf(name);
      return { path: file.path, offset: dataStart + entry.from, type: entry.type };
    },
    close: () => file.close(),
  };
}
