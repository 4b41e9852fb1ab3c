import { KimeraError } from '@kimera/core';

/** What can go wrong between a hub and a folder. */
export abstract class HubError extends KimeraError {
  /** `retryable`: the same request may succeed in a moment. `permanent`: it will fail again. */
  abstract readonly retry: 'permanent' | 'retryable';
}

/** HF_HUB_OFFLINE is set. */
export class HubOfflineError extends HubError {
  readonly code = 'HUB_OFFLINE';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly value: string) {
    super(`HF_HUB_OFFLINE=${value} forbids every request to a hub`, { value });
  }
}

/** Not the name of a model or of a revision. */
export class InvalidModelNameError extends HubError {
  readonly code = 'INVALID_MODEL_NAME';
  readonly kind = 'caller';
  readonly retry = 'permanent';
  constructor(
    readonly value: string,
    readonly expected: string,
  ) {
    super(`${JSON.stringify(value)} is not ${expected}`, { value, expected });
  }
}

/** 401 or 403: a token is missing, wrong, or may not read this. */
export class HubAccessError extends HubError {
  readonly code = 'HUB_ACCESS';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly status: number,
    readonly token: 'sent' | 'absent',
  ) {
    super(
      `${url} answered ${status}: ${token === 'sent' ? 'the token of HF_TOKEN may not read it, or there is no such model' : 'there is no such model, or it needs a token'}`,
      { url, status, token },
    );
  }
}

export type HubSubject = 'model' | 'revision' | 'model or revision' | 'file';

/** 404. */
export class HubNotFoundError extends HubError {
  readonly code = 'HUB_NOT_FOUND';
  readonly kind = 'caller';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly missing: HubSubject,
  ) {
    super(`${url}: there is no such ${missing}`, { url, missing });
  }
}

/** 408, 429 or 5xx: busy or broken for the moment. */
export class HubUnavailableError extends HubError {
  readonly code = 'HUB_UNAVAILABLE';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  /** @param retryAfter milliseconds that the hub asks to wait, or null where it does not say. */
  constructor(
    readonly url: string,
    readonly status: number,
    readonly retryAfter: number | null,
  ) {
    super(`${url} answered ${status}${retryAfter === null ? '' : ` and asks to wait ${retryAfter / 1000} s`}`, {
      url,
      status,
      retryAfter,
    });
  }
}

/** A status that no part of the protocol has. */
export class HubStatusError extends HubError {
  readonly code = 'HUB_STATUS';
  readonly kind = 'retryable';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`${url} answered ${status}`, { url, status });
  }
}

/** No connection, or one that ended too early. */
export class HubConnectionError extends HubError {
  readonly code = 'HUB_CONNECTION';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${url}: ${reason}`, { url, reason }, options);
  }
}

/** An open connection on which nothing comes. */
export class HubStalledError extends HubError {
  readonly code = 'HUB_STALLED';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly milliseconds: number,
  ) {
    super(`${url}: nothing came for ${milliseconds / 1000} s`, { url, milliseconds });
  }
}

/** A redirect that is not followed. */
export class HubRedirectError extends HubError {
  readonly code = 'HUB_REDIRECT';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url} redirects: ${reason}`, { url, reason });
  }
}

/** An answer that breaks the protocol. */
export class InvalidHubAnswerError extends HubError {
  readonly code = 'INVALID_HUB_ANSWER';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url}: ${reason}`, { url, reason });
  }
}

/** A download that was begun cannot go on from its last byte; it starts over. */
export class HubRangeError extends HubError {
  readonly code = 'HUB_RANGE';
  readonly kind = 'retryable';
  readonly retry = 'retryable';
  constructor(
    readonly url: string,
    readonly from: number,
    readonly reason: string,
  ) {
    super(`${url} does not go on at byte ${from}: ${reason}`, { url, from, reason });
  }
}

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

/** Another process pulls into the folder. */
export class PullLockedError extends HubError {
  readonly code = 'PULL_LOCKED';
  readonly kind = 'retryable';
  readonly retry = 'permanent';
  constructor(
    readonly folder: string,
    readonly pid: number,
    readonly host: string,
    readonly since: string,
    readonly file: string,
  ) {
    super(`process ${pid} on ${host} pulls into ${folder} since ${since}; if it has ended, remove ${file}`, {
      folder,
      pid,
      host,
      since,
      file,
    });
  }
}

/** A lock file that is not one of ours. */
export class InvalidPullLockError extends HubError {
  readonly code = 'INVALID_PULL_LOCK';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly file: string) {
    super(`${file} is not a lock file of this program: remove it if no process uses the folder`, { file });
  }
}

/** Our notes about a folder cannot be read. */
export class InvalidPullRecordError extends HubError {
  readonly code = 'INVALID_PULL_RECORD';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`, { file, reason });
  }
}

/** The folder holds another model: two would mix. */
export class OtherModelError extends HubError {
  readonly code = 'OTHER_MODEL';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(
    readonly folder: string,
    readonly held: string,
    readonly wanted: string,
  ) {
    super(`${folder} holds ${held}, not ${wanted}`, { folder, held, wanted });
  }
}

/** The folder has a file that did not come from a pull, and is not the one of the repository. */
export class FileInTheWayError extends HubError {
  readonly code = 'FILE_IN_THE_WAY';
  readonly kind = 'refused';
  readonly retry = 'permanent';
  constructor(readonly path: string) {
    super(`${path} is there, is another file than the repository's, and did not come from a pull`, { path });
  }
}

/** The disk has less room than the files need. */
export class PullSpaceError extends HubError {
  readonly code = 'PULL_SPACE';
  readonly kind = 'retryable';
  readonly retry = 'permanent';
  constructor(
    readonly folder: string,
    readonly needed: number,
    readonly available: number,
  ) {
    super(`${folder}: the files need ${needed} bytes more, ${available} are free`, { folder, needed, available });
  }
}
