import { KimeraError } from '@kimera/core';

/**
 * The pickle of a torch file names a function or class outside the allow-list. Nothing is ever called; it is refused
 * where it is named.
 */
export class ForbiddenGlobalError extends KimeraError {
  readonly code = 'FORBIDDEN_GLOBAL';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly module: string,
    readonly global: string,
  ) {
    super(`${file}: the pickle names ${module}.${global}, which a checkpoint of tensors does not need: refused`, {
      file,
      module,
      global,
    });
  }
}

/** A pickle opcode that torch.save never writes for tensors. */
export class ForbiddenOpcodeError extends KimeraError {
  readonly code = 'FORBIDDEN_OPCODE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly opcode: number,
    readonly position: number,
  ) {
    super(`${file}: pickle opcode 0x${opcode.toString(16).padStart(2, '0')} at ${position} is not allowed`, {
      file,
      opcode,
      position,
    });
  }
}

/** The pickle breaks its own rules. */
export class InvalidPickleError extends KimeraError {
  readonly code = 'INVALID_PICKLE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly position: number,
    readonly reason: string,
  ) {
    super(`${file}: pickle, byte ${position}: ${reason}`, { file, position, reason });
  }
}

/** The zip around the pickle is damaged, ambiguous or encrypted. */
export class InvalidZipError extends KimeraError {
  readonly code = 'INVALID_ZIP';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: zip: ${reason}`, { file, reason });
  }
}

/** Well-formed, but not a file of tensors as torch.save writes it: TorchScript, compressed, a foreign byte order. */
export class UnsupportedTorchFileError extends KimeraError {
  readonly code = 'UNSUPPORTED_TORCH_FILE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** A tensor's storage is not in the file. */
export class MissingStorageError extends KimeraError {
  readonly code = 'MISSING_STORAGE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly storage: string,
  ) {
    super(`${file} has no storage ${JSON.stringify(storage)}`, { file, storage });
  }
}

/** A storage has another size than the pickle says. */
export class StorageSizeError extends KimeraError {
  readonly code = 'STORAGE_SIZE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly storage: string,
    readonly expectedBytes: number,
    readonly actualBytes: number,
  ) {
    super(`${file}: storage ${JSON.stringify(storage)} should have ${expectedBytes} bytes, it has ${actualBytes}`, {
      file,
      storage,
      expectedBytes,
      actualBytes,
    });
  }
}

/** A tensor reaches outside its storage. */
export class TensorBoundsError extends KimeraError {
  readonly code = 'TENSOR_BOUNDS';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}
