import { KimeraError } from '@kimera/core';

/** Another process has the folder open: two would lose each other's rows. */
export class StoreLockedError extends KimeraError {
  readonly code = 'STORE_LOCKED';
  readonly kind = 'retryable';
  constructor(
    readonly folder: string,
    readonly pid: number,
    readonly host: string,
    readonly since: string,
  ) {
    super(`${folder} is open in process ${pid} on ${host} since ${since}: join it with joinStore, or end it first`, {
      folder,
      pid,
      host,
      since,
    });
  }
}

/**
 * The folder's lock was left on another machine or in another container; whether its owner lives cannot be seen from
 * here.
 */
export class ForeignLockError extends KimeraError {
  readonly code = 'FOREIGN_LOCK';
  readonly kind = 'refused';
  constructor(
    readonly folder: string,
    readonly pid: number,
    readonly host: string,
    readonly file: string,
  ) {
    super(
      `${folder} was opened by process ${pid} on ${host}, which cannot be seen from this machine: if it has ended, remove ${file}`,
      { folder, pid, host, file },
    );
  }
}

/** A lock file that is not one of ours. */
export class DamagedLockError extends KimeraError {
  readonly code = 'DAMAGED_LOCK';
  readonly kind = 'refused';
  constructor(readonly file: string) {
    super(`${file} is not a lock file of this program: remove it if no process uses the folder`, { file });
  }
}

/** No process has the folder open, so there is none to join. */
export class StoreNotRunningError extends KimeraError {
  readonly code = 'STORE_NOT_RUNNING';
  readonly kind = 'retryable';
  constructor(readonly folder: string) {
    super(`no process has ${folder} open: open it here with openStore`, { folder });
  }
}
