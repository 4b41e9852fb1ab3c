import { KimeraError, type Dependent } from '@kimera/core';

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

/** The embedded database could not be opened. */
export class PGliteOpenError extends KimeraError {
  readonly code = 'PGLITE_OPEN';
  readonly kind = 'internal';
  constructor(
    readonly folder: string,
    readonly reason: string,
  ) {
    super(`the embedded database in ${folder} cannot be opened: ${reason}`, { folder, reason });
  }
}

/** The database has no pgvector, and it cannot be installed from here. */
export class PgvectorMissingError extends KimeraError {
  readonly code = 'PGVECTOR_MISSING';
  readonly kind = 'refused';
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the database has no extension "vector" (pgvector): ${reason}`, { reason }, options);
  }
}

/** A pgvector with known faults. */
export class PgvectorTooOldError extends KimeraError {
  readonly code = 'PGVECTOR_TOO_OLD';
  readonly kind = 'refused';
  constructor(
    readonly actual: string,
    readonly least: string,
  ) {
    super(
      `the database has pgvector ${actual}, at least ${least} is needed: install it on the server, then ALTER EXTENSION vector UPDATE`,
      { actual, least },
    );
  }
}

/** A newer version of this program has changed the schema. */
export class SchemaTooNewError extends KimeraError {
  readonly code = 'SCHEMA_TOO_NEW';
  readonly kind = 'refused';
  constructor(
    readonly actual: number,
    readonly known: number,
  ) {
    super(`the schema kimera is at version ${actual}, this program knows ${known}: use the newer program`, {
      actual,
      known,
    });
  }
}

/** Other transactions held a table or rows for too long; nothing was changed. Try again later. */
export class BusyError extends KimeraError {
  readonly code = 'STORE_BUSY';
  readonly kind = 'retryable';
  constructor(
    readonly attempts: number,
    reason: string,
    options: ErrorOptions,
  ) {
    super(
      `other transactions hold what is needed, ${attempts} attempts failed (${reason}): end long transactions, or try again`,
      { attempts, reason },
      options,
    );
  }
}

/**
 * The server cannot be reached, or the connection or the server has gone: it starts, ends or restarts, or has no
 * connection left. The statement under way may or may not have been carried out: every call of the store may be made
 * again.
 */
export class StoreUnavailableError extends KimeraError {
  readonly code = 'STORE_UNAVAILABLE';
  readonly kind = 'retryable';
  constructor(
    readonly address: string,
    readonly reason: string,
    options: ErrorOptions,
  ) {
    super(`the database ${address} is not available: ${reason}`, { address, reason }, options);
  }
}

/** The server does not let this user in, or not in this way: user, password, database, TLS. */
export class StoreAccessError extends KimeraError {
  readonly code = 'STORE_ACCESS';
  readonly kind = 'refused';
  constructor(
    readonly address: string,
    readonly reason: string,
    options: ErrorOptions,
  ) {
    super(`the database ${address} cannot be used: ${reason}`, { address, reason }, options);
  }
}

/** Objects of the database stand in the way of a swap of the vector column. */
export class InPlaceRefusedError extends KimeraError {
  readonly code = 'IN_PLACE_REFUSED';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly column: string,
    readonly objects: readonly Dependent[],
  ) {
    super(`${column} of ${table} cannot be swapped: ${listed(objects)}`, { table, column, objects: named(objects) });
  }
}

/** What a swap of the vector column would do to these needs the operator's word. */
export class InPlaceNotAcceptedError extends KimeraError {
  readonly code = 'IN_PLACE_NOT_ACCEPTED';
  readonly kind = 'refused';
  constructor(
    readonly table: string,
    readonly objects: readonly Dependent[],
  ) {
    super(`to be accepted for ${table} first: ${listed(objects)}`, { table, objects: named(objects) });
  }
}

/** PostgreSQL did not take over something of the old column to the new one; nothing has changed. */
export class InPlaceMoveError extends KimeraError {
  readonly code = 'IN_PLACE_MOVE';
  readonly kind = 'refused';
  constructor(
    readonly what: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${what} cannot be carried over to the other column: ${reason}`, { what, reason }, options);
  }
}

/** Indexes that the application's column has and the column beside it lacks, since they came or broke meanwhile. */
export class InPlaceIndexError extends KimeraError {
  readonly code = 'IN_PLACE_INDEX';
  readonly kind = 'retryable';
  constructor(readonly indexes: readonly string[]) {
    super(`not built on the column beside it: ${indexes.join(', ')}`, { indexes });
  }
}

function listed(objects: readonly Dependent[]): string {
  return objects.map(({ kind, name, detail }) => `${kind} ${name} ${detail}`).join('; ');
}

function named(objects: readonly Dependent[]): readonly string[] {
  return objects.map(({ kind, name }) => `${kind}:${name}`);
}

/** What names no database: neither a server's address nor a folder. Nothing of it is repeated, since it may hold a password. */
export class DatabaseAddressError extends KimeraError {
  readonly code = 'DATABASE_ADDRESS';
  readonly kind = 'caller';
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the address of the database cannot be read: ${reason}`, { reason }, options);
  }
}

/** The schema is of an earlier version of this program, and this role may not change it. */
export class SchemaOutdatedError extends KimeraError {
  readonly code = 'SCHEMA_OUTDATED';
  readonly kind = 'refused';
  constructor(
    readonly actual: number,
    readonly needed: number,
    options: ErrorOptions,
  ) {
    super(
      `the schema kimera is at version ${actual}, this program needs ${needed}, and this role may not change it: open the database once as the owner of the schema`,
      { actual, needed },
      options,
    );
  }
}

/** The role has not the right for what was asked. */
export class MissingRightError extends KimeraError {
  readonly code = 'MISSING_RIGHT';
  readonly kind = 'refused';
  constructor(
    readonly role: string,
    readonly reason: string,
    /** Statements that give the rights that are missing for statements of this sort, for an owner to run. */
    readonly grants: readonly string[],
    options: ErrorOptions,
  ) {
    super(
      `the role ${role} may not do this (${reason}); ${grants.length === 0 ? 'ask the owner' : `the owner can run: ${grants.join('; ')}`}`,
      { role, reason, grants },
      options,
    );
  }
}

/** The server ended a statement: it took too long, or somebody canceled it. Nothing of its transaction was changed. */
export class StatementCanceledError extends KimeraError {
  readonly code = 'STATEMENT_CANCELED';
  readonly kind = 'retryable';
  constructor(
    readonly reason: string,
    /** Of this program; null: it sets none. */
    readonly limitMilliseconds: number | null,
    options: ErrorOptions,
  ) {
    super(
      `a statement was ended (${reason}); ${limitMilliseconds === null ? 'this program does not limit it: statement_timeout of the role or the database does, or somebody canceled it' : `it may take ${limitMilliseconds / 1000} s`}`,
      { reason, limitMilliseconds },
      options,
    );
  }
}
