export {
  BusyError,
  DamagedLockError,
  ForeignLockError,
  InPlaceIndexError,
  InPlaceMoveError,
  InPlaceNotAcceptedError,
  InPlaceRefusedError,
  PGliteOpenError,
  PgvectorMissingError,
  PgvectorTooOldError,
  SchemaTooNewError,
  StoreAccessError,
  StoreLockedError,
  StoreNotRunningError,
  StoreUnavailableError,
} from './errors.js';
export { inspectDatabase, type DatabaseInspection } from './inspect-database.js';
export { JOB_ATTEMPTS, LOCK_MILLISECONDS, TRANSACTION_ATTEMPTS } from './limits.js';
export { joinStore, openStore, type OpenStoreOptions } from './open-store.js';
export type { PostgresStore } from './postgres-store.js';
