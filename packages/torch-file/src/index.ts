export {
  ForbiddenGlobalError,
  ForbiddenOpcodeError,
  InvalidPickleError,
  InvalidZipError,
  MissingStorageError,
  StorageSizeError,
  TensorBoundsError,
  UnsupportedTorchFileError,
} from './errors.js';
export { openTorch, VERIFY_ALL, type Checksums } from './open-torch.js';
