import type { TorchStorage, TorchTensor } from './pickle-values.js';

/** What both formats of torch.save come down to. */
export interface TorchContents {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** True where the numbers are big-endian. */
  readonly isSwapped: boolean;
  /** Position of a storage's first byte in the file. @throws MissingStorageError. */
  storageStart(storage: TorchStorage): number;
  /** Checks the storage's checksum, once, where the format has one. @throws InvalidZipError. */
  verify(storage: TorchStorage): Promise<void>;
}
