import { ELEMENT_BYTES, type ElementType } from '@kimera/safetensors';
import { ResourceLimitError } from '@kimera/tensor-file';
import { TensorBoundsError } from './errors.js';
import { PickleTuple, TorchStorage, TorchTensor, type PickleValue } from './pickle-values.js';

/** Elements of a view that repeats its storage (stride 0): real checkpoints expand scalars, not tables. */
const MAX_EXPANDED_ELEMENTS = 1 << 20;
/** torch's own limit of dimensions is 64. */
const MAX_DIMENSIONS = 64;

/**
 * A tensor from the arguments of _rebuild_tensor*: checked to lie inside its storage. Undefined where the arguments are
 * not of that kind.
 */
export function rebuildTensor(
  file: string,
  [storage, offset, size, stride]: readonly PickleValue[],
  type: ElementType | undefined,
): TorchTensor | undefined {
  if (!(storage instanceof TorchStorage) || typeof offset !== 'number' || !Number.isInteger(offset)) return undefined;
  const shape = integers(size);
  const strides = integers(stride);
  if (shape === undefined || strides === undefined || shape.length !== strides.length || shape.length > MAX_DIMENSIONS)
    return undefined;
  if (offset < 0 || shape.some((value) => value < 0) || strides.some((value) => value < 0)) {
    throw new TensorBoundsError(
      file,
      `a tensor of offset ${offset}, shape [${shape.join(', ')}] and strides [${strides.join(', ')}]: none of these may be negative`,
    );
  }
  const actual = type ?? storage.type;
  const available = Math.floor((storage.elements * ELEMENT_BYTES[storage.type]) / ELEMENT_BYTES[actual]);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  if (elements > Math.max(available, MAX_EXPANDED_ELEMENTS))
    throw new ResourceLimitError(file, 'elements of one tensor', elements, Math.max(available, MAX_EXPANDED_ELEMENTS));
  const reach =
    elements === 0 ? 0 : shape.reduce((last, dimension, i) => last + (dimension - 1) * (strides[i] ?? 0), offset + 1);
  if (!(reach <= available))
    throw new TensorBoundsError(
      file,
      `a tensor of shape [${shape.join(', ')}] reaches to element ${reach} of storage ${storage.key}, which has ${available}`,
    );
  return new TorchTensor(storage, actual, offset, shape, strides);
}

function integers(value: PickleValue | undefined): readonly number[] | undefined {
  if (!(value instanceof PickleTuple)) return undefined;
  const numbers = value.items.filter((item) => typeof item === 'number').filter((item) => Number.isSafeInteger(item));
  return numbers.length === value.items.length ? numbers : undefined;
}
