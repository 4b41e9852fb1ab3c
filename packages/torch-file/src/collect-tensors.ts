import { InvalidCheckpointError, ResourceLimitError } from '@kimera/tensor-file';
import {
  PickleDict,
  PickleList,
  PickleTuple,
  TorchTensor,
  type PickleValue,
  type TorchStorage,
} from './pickle-values.js';

/** A file of torch.save, whichever its format. */
export interface TorchContents {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** True where the numbers are big-endian. */
  readonly isSwapped: boolean;
  /** Position of a storage's first byte in the file. @throws MissingStorageError. */
  storageStart(storage: TorchStorage): number;
  /** Checks the storage's checksum, once, where the format has one. @throws InvalidZipError. */
  verify(storage: TorchStorage): Promise<void>;
}

/** Containers inside containers; a training checkpoint has four. */
const MAX_DEPTH = 32;

/**
 * The tensors of a checkpoint by name; those of inner containers as `outer/inner`. Each container is visited once.
 * @throws InvalidCheckpointError, ResourceLimitError.
 */
export function collectTensors(file: string, top: PickleValue): ReadonlyMap<string, TorchTensor> {
  if (!(top instanceof PickleDict))
    throw new InvalidCheckpointError(file, 'the top of the pickle is not a dict of tensors');
  const tensors = new Map<string, TorchTensor>();
  const seen = new Set<PickleValue>();
  const visit = (value: PickleValue, path: string, depth: number): void => {
    if (value instanceof TorchTensor) {
      if (tensors.has(path)) throw new InvalidCheckpointError(file, `two tensors are named ${path}`);
      tensors.set(path, value);
      return;
    }
    const children = childrenOf(value);
    if (children === undefined || seen.has(value)) return;
    if (depth > MAX_DEPTH) throw new ResourceLimitError(file, 'depth of the pickled containers', depth, MAX_DEPTH);
    seen.add(value);
    for (const [key, child] of children) visit(child, depth === 0 ? key : `${path}/${key}`, depth + 1);
  };
  visit(top, '', 0);
  if (tensors.size === 0) throw new InvalidCheckpointError(file, 'there is no tensor in it');
  return tensors;
}

function childrenOf(value: PickleValue): readonly (readonly [string, PickleValue])[] | undefined {
  if (value instanceof PickleDict) return [...value.entries].map(([key, child]) => [String(key), child]);
  if (value instanceof PickleList || value instanceof PickleTuple)
    return value.items.map((child, i) => [String(i), child]);
  return undefined;
}
