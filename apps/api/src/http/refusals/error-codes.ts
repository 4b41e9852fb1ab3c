import type { CodesOf, ErrorCode as ServingCode } from '@kimera/serving';
import type * as store from '@kimera/store-postgres';

/** What opening a store and searching it can throw; its other errors are of work that no route does. */
type StoreErrors = Pick<
  typeof store,
  | 'BusyError'
  | 'DamagedLockError'
  | 'ForeignLockError'
  | 'PGliteOpenError'
  | 'PgvectorMissingError'
  | 'PgvectorTooOldError'
  | 'SchemaTooNewError'
  | 'StoreAccessError'
  | 'StoreLockedError'
  | 'StoreNotRunningError'
  | 'StoreUnavailableError'
>;

/** Every code that a request, or the start, can meet. */
export type ErrorCode = ServingCode | CodesOf<StoreErrors>;
