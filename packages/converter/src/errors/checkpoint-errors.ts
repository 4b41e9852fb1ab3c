import { KimeraError, type Head } from '@kimera/core';

/** A checkpoint file that breaks its format: truncated, overlapping, longer than it says. */
export class InvalidCheckpointError extends KimeraError {
  readonly code = 'INVALID_CHECKPOINT';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** A configuration file of the checkpoint with a wrong or contradictory value. */
export class InvalidConfigurationError extends KimeraError {
  readonly code = 'INVALID_CONFIGURATION';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** Well-formed, but not something that is converted: an architecture, a module, an activation. Never skipped. */
export class UnsupportedModelError extends KimeraError {
  readonly code = 'UNSUPPORTED_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly feature: string,
    readonly actual: string,
    readonly supported: readonly string[],
  ) {
    super(`${feature} ${JSON.stringify(actual)} is not supported (supported: ${supported.join(', ')})`, {
      feature,
      actual,
      supported,
    });
  }
}

/** A file that a checkpoint must have is not there. */
export class CheckpointFileMissingError extends KimeraError {
  readonly code = 'CHECKPOINT_FILE_MISSING';
  readonly kind = 'caller';
  constructor(
    readonly folder: string,
    readonly file: string,
  ) {
    super(`${folder} has no ${file}`, { folder, file });
  }
}

/** A tensor that the architecture needs is absent. */
export class MissingTensorError extends KimeraError {
  readonly code = 'MISSING_TENSOR';
  readonly kind = 'refused';
  constructor(readonly tensor: string) {
    super(`the checkpoint has no tensor ${tensor}`, { tensor });
  }
}

/** A tensor has another shape than the configuration implies. */
export class TensorShapeError extends KimeraError {
  readonly code = 'TENSOR_SHAPE';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly expected: readonly number[],
    readonly actual: readonly number[],
  ) {
    super(`tensor ${tensor} has shape [${actual.join(', ')}], the configuration implies [${expected.join(', ')}]`, {
      tensor,
      expected,
      actual,
    });
  }
}

/** A weight holds a NaN or an infinity: its vectors would be useless. */
export class NotFiniteError extends KimeraError {
  readonly code = 'TENSOR_NOT_FINITE';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly index: number,
  ) {
    super(`tensor ${tensor} is not finite at element ${index}`, { tensor, index });
  }
}

/** The exact 4-bit form was asked for, and a block of 32 weights is not 4-bit. */
export class NotFourBitError extends KimeraError {
  readonly code = 'NOT_FOUR_BIT';
  readonly kind = 'refused';
  constructor(
    readonly tensor: string,
    readonly block: number,
  ) {
    super(
      `tensor ${tensor} is not 4-bit: block ${block} of 32 weights has no scale that reproduces it exactly; use fp16 or fp32`,
      { tensor, block },
    );
  }
}

/** The output folder exists. */
export class OutputExistsError extends KimeraError {
  readonly code = 'OUTPUT_EXISTS';
  readonly kind = 'refused';
  constructor(readonly path: string) {
    super(`${path} exists: choose another --out or remove it`, { path });
  }
}

/** The disk has less room than the output needs. */
export class DiskSpaceError extends KimeraError {
  readonly code = 'DISK_SPACE';
  readonly kind = 'retryable';
  constructor(
    readonly path: string,
    readonly needed: number,
    readonly available: number,
  ) {
    super(`${path}: the conversion needs about ${needed} bytes, ${available} are free`, { path, needed, available });
  }
}

/** A git LFS pointer lies where the weights should be: they were never downloaded. */
export class LfsPointerError extends KimeraError {
  readonly code = 'LFS_POINTER';
  readonly kind = 'refused';
  constructor(readonly file: string) {
    super(`${file} is a git LFS pointer, not the weights: download the file itself (git lfs pull)`, { file });
  }
}

/** A path inside a checkpoint that leaves its folder. */
export class UnsafePathError extends KimeraError {
  readonly code = 'UNSAFE_PATH';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly path: string,
  ) {
    super(`${file} names ${JSON.stringify(path)}, which is not a path inside the checkpoint`, { file, path });
  }
}

/** model.safetensors.index.json or pytorch_model.bin.index.json breaks its format. */
export class InvalidIndexError extends KimeraError {
  readonly code = 'INVALID_INDEX';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** Something is larger, deeper or more than any real checkpoint needs. */
export class ResourceLimitError extends KimeraError {
  readonly code = 'RESOURCE_LIMIT';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly what: string,
    readonly actual: number,
    readonly limit: number,
  ) {
    super(`${file}: ${what} ${actual}, the limit is ${limit}`, { file, what, actual, limit });
  }
}

/** A checkpoint's file cannot be hard-linked into the model folder: another file system, or one without hard links. */
export class LinkError extends KimeraError {
  readonly code = 'LINK';
  readonly kind = 'caller';
  constructor(
    readonly from: string,
    readonly to: string,
    readonly reason: string,
  ) {
    super(
      `${from} cannot be hard-linked to ${to} (${reason}): put both on one file system, or convert without --link, which copies the weights`,
      { from, to, reason },
    );
  }
}

/** A matrix whose rows are not made of whole blocks cannot have the form. */
export class BlockSizeError extends KimeraError {
  readonly code = 'BLOCK_SIZE';
  readonly kind = 'caller';
  constructor(
    readonly tensor: string,
    readonly columns: number,
    readonly block: number,
  ) {
    super(`the rows of ${tensor} have ${columns} numbers, the 8-bit form takes blocks of ${block}`, {
      tensor,
      columns,
      block,
    });
  }
}

/** An 8-bit variant that is too far from the vectors it stands for. */
export class FidelityError extends KimeraError {
  readonly code = 'FIDELITY';
  readonly kind = 'internal';
  constructor(
    readonly head: Head,
    readonly mean: number,
    readonly least: number,
    readonly meanFloor: number,
    readonly minFloor: number,
    readonly matrix: string,
    readonly alone: number,
  ) {
    super(
      `the int8 variant's ${head} vectors have cosine mean ${mean}, min ${least} to the full ones; the floor is mean ${meanFloor}, min ${minFloor}. The worst matrix is ${matrix}: alone in 8 bits it costs min ${alone}`,
      { head, mean, least, meanFloor, minFloor, matrix, alone },
    );
  }
}
