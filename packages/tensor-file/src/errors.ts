import { KimeraError } from '@kimera/core';
import { nearNames } from './near-names.js';

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

/**
 * Well-formed, but not something that is converted: an architecture, a module, an activation. Never skipped. `reason`
 * is a sentence about this one.
 */
export class UnsupportedModelError extends KimeraError {
  readonly code = 'UNSUPPORTED_MODEL';
  readonly kind = 'refused';
  constructor(
    readonly feature: string,
    readonly actual: string,
    readonly supported: readonly string[],
    readonly reason?: string,
  ) {
    super(
      `${feature} ${JSON.stringify(actual)} is not supported (supported: ${supported.join(', ')})${reason === undefined ? '' : `. ${reason}`}`,
      { feature, actual, supported, ...(reason === undefined ? {} : { reason }) },
    );
  }
}

/** A file that a checkpoint must have is not there. */
export class CheckpointFileMissingError extends KimeraError {
  readonly code = 'CHECKPOINT_FILE_MISSING';
  readonly kind = 'refused';
  constructor(
    readonly folder: string,
    readonly file: string,
  ) {
    super(`${folder} has no ${file}`, { folder, file });
  }
}

/** A tensor that the architecture needs is absent. `near`: names that the file has and that may be meant. */
export class MissingTensorError extends KimeraError {
  readonly code = 'MISSING_TENSOR';
  readonly kind = 'refused';
  readonly near: readonly string[];
  /** @param names that the file has. */
  constructor(
    readonly tensor: string,
    names: readonly string[] = [],
  ) {
    const near = nearNames(tensor, names);
    super(
      `the checkpoint has no tensor ${tensor}${near.length === 0 ? '' : `; among its ${names.length} tensors are ${near.join(', ')}`}`,
      { tensor, near },
    );
    this.near = near;
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
