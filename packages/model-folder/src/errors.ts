import { KimeraError } from '@kimera/core';

/** There is no model folder at the path, or a file that it must have is absent. */
export class ModelFolderNotFoundError extends KimeraError {
  readonly code = 'MODEL_FOLDER_NOT_FOUND';
  readonly kind = 'caller';
  constructor(readonly path: string) {
    super(`no model at ${path}: expected a folder with space.json (write one with "kimera models convert")`, { path });
  }
}

/** space.json is not JSON, breaks its schema, or contradicts itself. */
export class InvalidSpaceFileError extends KimeraError {
  readonly code = 'INVALID_SPACE_FILE';
  readonly kind = 'refused';
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`, { path, reason });
  }
}

/** A file that space.json names is not in the folder. */
export class ModelFileMissingError extends KimeraError {
  readonly code = 'MODEL_FILE_MISSING';
  readonly kind = 'refused';
  constructor(
    readonly folder: string,
    readonly file: string,
  ) {
    super(`model folder ${folder} lacks ${file}`, { folder, file });
  }
}

/** A file is shorter or longer than space.json says: a broken download or copy. */
export class ModelFileSizeError extends KimeraError {
  readonly code = 'MODEL_FILE_SIZE';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`${file} has ${actual} bytes, space.json says ${expected}`, { file, expected, actual });
  }
}

/** A file's bytes are not those that space.json records. */
export class ModelFileHashError extends KimeraError {
  readonly code = 'MODEL_FILE_HASH';
  readonly kind = 'refused';
  constructor(
    readonly file: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${file} has SHA-256 ${actual.slice(0, 16)}…, space.json says ${expected.slice(0, 16)}…`, {
      file,
      expected,
      actual,
    });
  }
}

/** A variant was asked for that the folder does not have. */
export class UnknownVariantError extends KimeraError {
  readonly code = 'UNKNOWN_VARIANT';
  readonly kind = 'caller';
  constructor(
    readonly variant: string,
    readonly available: readonly string[],
  ) {
    super(`variant "${variant}" is not in this model folder: it has ${available.join(', ')}`, { variant, available });
  }
}
