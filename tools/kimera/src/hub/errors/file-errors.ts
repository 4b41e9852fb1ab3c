import { HubError } from './hub-error.js';

/** A file name from a hub that could lead out of the folder or hide in it. */
export class UnsafeFileNameError extends HubError {
  readonly code = 'UNSAFE_FILE_NAME';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`the hub names the file ${JSON.stringify(file.slice(0, 200))}: ${reason}`, { file, reason });
  }
}

/** The repository lacks what a conversion needs. */
export class NotACheckpointError extends HubError {
  readonly code = 'NOT_A_CHECKPOINT';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly missing: readonly string[]) {
    super(`this is no checkpoint that can be converted; it lacks ${missing.join(', ')}`, { missing });
  }
}

/** A file of the repository that says which others are needed, and cannot be read. */
export class InvalidRepositoryFileError extends HubError {
  readonly code = 'INVALID_REPOSITORY_FILE';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** Neither the listing nor the answer has a hash, so nothing says whether the bytes are right. */
export class UnverifiableFileError extends HubError {
  readonly code = 'UNVERIFIABLE_FILE';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly file: string) {
    super(`${file}: the hub gives no hash of it`, { file });
  }
}

/** A file is longer or shorter than the hub listed it. */
export class HubFileSizeError extends HubError {
  readonly code = 'HUB_FILE_SIZE';
  readonly kind = 'retryable';
  readonly retry = 'permanent';
  /** @param actual what was announced, or what came until it was stopped. */
  constructor(
    readonly file: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`${file} was listed with ${expected} bytes, ${actual} came or were announced`, { file, expected, actual });
  }
}

/** A file has another hash than the hub listed. */
export class HubFileHashError extends HubError {
  readonly code = 'HUB_FILE_HASH';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly file: string,
    readonly algorithm: 'SHA-256' | 'git SHA-1',
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${file} has ${algorithm} ${actual.slice(0, 16)}…, the hub lists ${expected.slice(0, 16)}…`, {
      file,
      algorithm,
      expected,
      actual,
    });
  }
}

/** What vouches for a file besides the hub. */
export type Voucher = 'published pins' | 'space.json';

/** A file is another one than the pins of this commit, or the model folder's own space.json, say. */
export class PinnedFileError extends HubError {
  readonly code = 'PINNED_FILE';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly file: string,
    readonly voucher: Voucher,
    readonly what: 'bytes' | 'SHA-256',
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${file} has ${what} ${actual.slice(0, 16)}, by the ${voucher} it is ${expected.slice(0, 16)}`, {
      file,
      voucher,
      what,
      expected,
      actual,
    });
  }
}
