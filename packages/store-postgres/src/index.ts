export {
  AdoptedCollectionError,
  AdoptionUnfinishedError,
  ForeignTableSourceError,
  InheritedTableError,
  KeeperColumnError,
  KeyCollationError,
  KeyNotUniqueError,
  KeyTypeError,
  MaterialisedViewSourceError,
  NoKeyError,
  NotAdoptedError,
  NotATableError,
  NoVectorColumnError,
  NullableKeyError,
  OwnTableError,
  PartitionSourceError,
  RowSecurityError,
  SubscribedTableError,
  SystemTableError,
  TableAdoptedError,
  TableInUseError,
  TableNotFoundError,
  TablePermissionError,
  TemporaryTableError,
  TenantTypeError,
  TextBeyondRowError,
  TextExpressionError,
  TextNotImmutableError,
  TextTypeError,
  TextUndecidedError,
  TextVirtualColumnError,
  UnknownColumnError,
  VectorDimensionError,
  VectorTypeError,
  VectorUndecidedError,
  VectorWriterDisagreesError,
  VectorWriterMissingError,
  VectorWriterUnderMigrationError,
  VectorWriterWithoutColumnError,
  ViewSourceError,
} from './adopt/errors.js';
export {
  BusyError,
  DamagedLockError,
  DatabaseAddressError,
  ForeignLockError,
  InPlaceIndexError,
  InPlaceMoveError,
  InPlaceNotAcceptedError,
  InPlaceRefusedError,
  MissingRightError,
  PGliteOpenError,
  PgvectorMissingError,
  PgvectorTooOldError,
  SchemaOutdatedError,
  SchemaTooNewError,
  StatementCanceledError,
  StoreAccessError,
  StoreLockedError,
  StoreNotRunningError,
  StoreUnavailableError,
} from './errors.js';
export { parseDatabaseAddress, type AddressSurroundings, type FolderAddress } from './address/parse-address.js';
export type { ServerAddress } from './address/server-address.js';
export type { PostgresAdoptions } from './adopt/adoptions.js';
export type { AdoptedTable, TableInspection } from './adopt/inspect-table.js';
export type { ObservedWrites } from './adopt/observed-writes.js';
export type { AdoptionProposal, TableShape } from './adopt/recognise-table.js';
export type { CollectionParts } from './adopt/remove-collection.js';
export type { TableDescription, VectorColumn, VectorStorage } from './adopt/table-description.js';
export { inspectDatabase, type DatabaseInspection } from './inspect-database.js';
export { JOB_ATTEMPTS, LOCK_MILLISECONDS, TRANSACTION_ATTEMPTS } from './limits.js';
export { joinStore, openOrJoinStore, openStore, type OpenStoreOptions } from './open-store.js';
export type { PostgresStore } from './postgres-store.js';
