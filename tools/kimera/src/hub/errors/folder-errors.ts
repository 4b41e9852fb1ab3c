import { HubError } from './hub-error.js';

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
