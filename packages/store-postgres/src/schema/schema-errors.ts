import { KimeraError } from '@kimera/core';

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
