import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { tensorBytes } from '@kimera/safetensors';
import { ResourceLimitError } from '@kimera/tensor-file';
import { pickleTensors } from './pickle-writer.js';
import { syntheticBytes, type WriteTensors } from './synthetic-tensor.js';

/** Sizes beyond need ZIP64, which is not written here. */
const MAX_BYTES = 2 ** 32 - 2 ** 20;
/** torch aligns storages so (caffe2/serialize/inline_container.h, kFieldAlignment). */
const ALIGNMENT = 64;
const LOCAL_BYTES = 30;

interface Entry {
  readonly name: Buffer;
  readonly at: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly padding: number;
}

/**
 * The zip of torch.save, written in a stream: stored records, each storage's checksum patched into its header once it
 * is known. @throws ResourceLimitError.
 */
export const writeTorchZip: WriteTensors = async (file, path, tensors, seed, onBytes) => {
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  if (total > MAX_BYTES) throw new ResourceLimitError(path, 'bytes of a torch file', total, MAX_BYTES);
  const zip = new ZipWriter(file);
  await zip.add('archive/data.pkl', [pickleTensors(tensors)]);
  await zip.add('archive/byteorder', [Buffer.from('little')]);
  for (const [i, tensor] of tensors.entries())
    await zip.add(`archive/data/${i}`, counted(syntheticBytes(tensor, seed), onBytes));
  await zip.add('archive/version', [Buffer.from('3\n')]);
  await zip.finish();
};

export function* counted(chunks: Iterable<Uint8Array>, onBytes: (bytes: number) => void): Generator<Uint8Array> {
  for (const chunk of chunks) {
    yield chunk;
    onBytes(chunk.length);
  }
}

class ZipWriter {
  readonly #entries: Entry[] = [];
  #end = 0;

  constructor(private readonly file: FileHandle) {}

  async add(name: string, chunks: Iterable<Uint8Array>): Promise<void> {
    const bytes = Buffer.from(name);
    const at = this.#end;
    const unaligned = at + LOCAL_BYTES + bytes.length + 4;
    const padding = (ALIGNMENT - (unaligned % ALIGNMENT)) % ALIGNMENT;
    let [length, checksum] = [0, 0];
    for (const chunk of chunks) {
      await this.file.write(chunk, 0, chunk.length, unaligned + padding + length);
      checksum = crc32(chunk, checksum);
      length += chunk.length;
    }
    const entry: Entry = { name: bytes, at, bytes: length, crc32: checksum, padding };
    const header = Buffer.concat([record(0x04034b50, entry), bytes, extra(padding)]);
    await this.file.write(header, 0, header.length, at);
    this.#entries.push(entry);
    this.#end = unaligned + padding + length;
  }

  async finish(): Promise<void> {
    const directory = Buffer.concat(this.#entries.flatMap((entry) => [centralRecord(entry), entry.name]));
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(this.#entries.length, 8);
    end.writeUInt16LE(this.#entries.length, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(this.#end, 16);
    await this.file.write(Buffer.concat([directory, end]), 0, directory.length + end.length, this.#end);
  }
}

/** Local header, APPNOTE.TXT 6.3.10, 4.3.7; the time is the first that the format knows. */
function record(signature: number, { name, bytes, crc32: checksum, padding }: Entry): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(signature, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(0x21, 12);
  header.writeUInt32LE(checksum, 14);
  header.writeUInt32LE(bytes, 18);
  header.writeUInt32LE(bytes, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(4 + padding, 28);
  return header;
}

/** Directory entry, 4.3.12. */
function centralRecord({ name, at, bytes, crc32: checksum }: Entry): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(0x21, 14);
  header.writeUInt32LE(checksum, 16);
  header.writeUInt32LE(bytes, 20);
  header.writeUInt32LE(bytes, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(at, 42);
  return header;
}

/** torch's padding field: "FB", a length, that many Z. */
function extra(padding: number): Buffer {
  const field = Buffer.alloc(4 + padding, 'Z');
  field.write('FB');
  field.writeUInt16LE(padding, 2);
  return field;
}
