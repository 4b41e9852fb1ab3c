import { ELEMENT_BYTES } from '@kimera/safetensors';
import {
  openPositioned,
  type PositionedFile,
  tensorSource,
  type ElementRange,
  type TensorFile,
  type TensorSource,
  InvalidCheckpointError,
  MissingTensorError,
  ResourceLimitError,
} from '@kimera/tensor-file';
import type { TorchContents } from './collect-tensors.js';
import type { TorchTensor } from './pickle-values.js';
import { openTorchLegacy } from './torch-legacy.js';
import { openTorchZip } from './torch-zip.js';

/**
 * Bytes that a transposed or otherwise scattered tensor may span: it is gathered in memory. A matrix of 4096 × 4096 has
 * 64 MB.
 */
const MAX_SPAN_BYTES = 128 << 20;

/**
 * Whether the checksums of a file (by its path) are verified. They need not be where another reader of the same file
 * does, or where the hash of the whole file is known.
 */
export type Checksums = (path: string) => boolean;
export const VERIFY_ALL: Checksums = () => true;

/**
 * A file of torch.save (zip or legacy), read without running its pickle. @throws InvalidCheckpointError and the errors
 * of errors.ts.
 */
export async function openTorch(path: string, checksums: Checksums = VERIFY_ALL): Promise<TensorSource> {
  const file = await openPositioned(path);
  try {
    return tensorSource(tensorFile(file, await readContents(file), checksums(path)));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readContents(file: PositionedFile): Promise<TorchContents> {
  const [a, b] = await file.read(0, Math.min(2, file.size));
  if (a === 0x50 && b === 0x4b) return openTorchZip(file);
  // PROTO: the first opcode of a binary pickle.
  if (a === 0x80) return openTorchLegacy(file);
  throw new InvalidCheckpointError(
    file.path,
    file.size === 0 ? 'the file is empty' : 'neither a zip nor a pickle, so not a file of torch.save',
  );
}

function tensorFile(file: PositionedFile, contents: TorchContents, isVerified: boolean): TensorFile {
  return {
    names: [...contents.tensors.keys()],
    entry: (name) => contents.tensors.get(name),
    async bytes(name, range, memory) {
      const tensor = contents.tensors.get(name);
      if (tensor === undefined) throw new MissingTensorError(name);
      const width = ELEMENT_BYTES[tensor.type];
      if (isVerified) await contents.verify(tensor.storage);
      const start = contents.storageStart(tensor.storage);
      const bytes = isContiguous(tensor)
        ? await file.read(start + (tensor.offset + range.from) * width, range.count * width, memory)
        : await gather(file, start, tensor, range);
      if (contents.isSwapped && width > 1)
        for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
      return bytes;
    },
    async location(name) {
      const tensor = contents.tensors.get(name);
      if (tensor === undefined) throw new MissingTensorError(name);
      if (!isContiguous(tensor) || contents.isSwapped) return undefined;
      return {
        path: file.path,
        offset: contents.storageStart(tensor.storage) + tensor.offset * ELEMENT_BYTES[tensor.type],
        type: tensor.type,
      };
    },
    close: () => file.close(),
  };
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i] ?? 1;
  }
  return true;
}

/** Elements of any strides, in row-major order, out of the smallest span of the storage that holds them. */
async function gather(
  file: PositionedFile,
  start: number,
  { type, offset, shape, strides }: TorchTensor,
  { from, count }: ElementRange,
): Promise<Uint8Array<ArrayBuffer>> {
  const width = ELEMENT_BYTES[type];
  const positions = new Float64Array(count);
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    let rest = from + i;
    let position = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      position += (rest % size) * (strides[axis] as number);
      rest = Math.floor(rest / size);
    }
    positions[i] = position;
    low = Math.min(low, position);
    high = Math.max(high, position);
  }
  if (count === 0) return new Uint8Array();
  const span = (high - low + 1) * width;
  if (span > MAX_SPAN_BYTES)
    throw new ResourceLimitError(file.path, 'bytes that a scattered tensor spans', span, MAX_SPAN_BYTES);
  const bytes = await file.read(start + low * width, span);
  const out = new Uint8Array(count * width);
  for (let i = 0; i < count; i++) {
    const at = ((positions[i] as number) - low) * width;
    for (let k = 0; k < width; k++) out[i * width + k] = bytes[at + k] as number;
  }
  return out;
}
