export { DimensionTooLargeError } from './dimension.js';
export { inspectDatabase, type DatabaseInspection } from './inspect-database.js';
export { JOB_ATTEMPTS } from './jobs.js';
export { DamagedLockError, ForeignLockError, StoreLockedError, StoreNotRunningError } from './lock/lock-errors.js';
export { joinStore, openStore, type OpenStoreOptions } from './open-store.js';
export { PGliteOpenError } from './pglite/pglite-errors.js';
export type { PostgresStore } from './postgres-store.js';
export { PgvectorMissingError, PgvectorTooOldError, SchemaTooNewError } from './schema/schema-errors.js';
export { BusyError, StoreUnreachableError } from './sql/sql-errors.js';
