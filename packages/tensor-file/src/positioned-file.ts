import { open, type FileHandle } from 'node:fs/promises';
import { InvalidCheckpointError, LfsPointerError } from './errors.js';

/** A file that is read by position; none of its bytes are kept, unless it is small. */
export interface PositionedFile {
  readonly path: string;
  readonly size: number;
  /**
   * Exactly `length` bytes from `position`, in `memory` where it is given and large enough, otherwise in their own.
   * @throws InvalidCheckpointError where the file ends before.
   */
  read(position: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Fills `target` from `position`. @throws as read. */
  readInto(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

const LFS_POINTER = 'version https://git-lfs';
/** A file of no more is read once, as a whole: to ask for each of its tensors would take longer than to read them all. */
const SMALL_BYTES = 1 << 20;

/** @throws LfsPointerError, and the file system's errors. */
export async function openPositioned(path: string): Promise<PositionedFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const checkRange = (position: number, length: number): void => {
      if (length < 0 || position < 0 || position + length > size)
        throw new InvalidCheckpointError(path, `${length} bytes expected at ${position}, the file has ${size}`);
    };
    const whole = size <= SMALL_BYTES ? Buffer.allocUnsafeSlow(size) : undefined;
    if (whole !== undefined) await fill(whole, path, handle, 0);
    const file: PositionedFile = {
      path,
      size,
      async read(position, length, memory) {
        checkRange(position, length);
        // Without filling it with zeros first: for gigabytes that would take as long as reading them.
        const bytes = memory === undefined || memory.length < length ? Buffer.allocUnsafeSlow(length) : memory;
        const target = new Uint8Array(bytes.buffer, bytes.byteOffset, length);
        await file.readInto(target, position);
        return target;
      },
      async readInto(target, position) {
        checkRange(position, target.length);
        if (whole === undefined) await fill(target, path, handle, position);
        else target.set(whole.subarray(position, position + target.length));
      },
      close: () => handle.close(),
    };
    if (
      size >= LFS_POINTER.length &&
      Buffer.from(await file.read(0, LFS_POINTER.length)).toString('latin1') === LFS_POINTER
    )
      throw new LfsPointerError(path);
    return file;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @throws InvalidCheckpointError where the file ends before. */
async function fill(target: Uint8Array, path: string, handle: FileHandle, position: number): Promise<void> {
  const { length } = target;
  for (let at = 0; at < length;) {
    const { bytesRead } = await handle.read(target, at, length - at, position + at);
    if (bytesRead === 0) throw new InvalidCheckpointError(path, `${length} bytes expected at ${position}, ${at} read`);
    at += bytesRead;
  }
}
