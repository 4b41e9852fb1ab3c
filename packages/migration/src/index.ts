export {
  adoptTable,
  ROWS_PER_COPY,
  type AdoptionParts,
  type AdoptOptions,
  type AdoptResult,
} from './adopt/adopt-table.js';
export { PROOF_ROWS, type CandidateModel, type VectorProof } from './adopt/prove-vectors.js';
export { vectorColumnRules, type VectorColumnRules } from './adopt/vector-column-rules.js';
export { collectionStatus, type CollectionStatus } from './collection-status.js';
export { embedRows, type EmbeddingOfRow, type EmbeddingsOfRows } from './embed-rows.js';
export {
  AcceptanceError,
  BackfillIncompleteError,
  ChangesWaitingError,
  EmbedderBrokenError,
  MarginFixedError,
  NotEnoughRoomError,
  NotFiniteVectorError,
  OtherModelVectorsError,
  OutdatedVectorsError,
  PoisonRowsError,
  RowsMissingError,
  SameSpaceError,
  TenantNameError,
  TenantsSplitError,
  UnknownModelVectorsError,
  UnreadableVectorsError,
} from './errors.js';
export type { InPlaceOptions, PrepareSwapOptions } from './in-place.js';
export type { MovedTenants } from './moved-tenants.js';
export type { MigrationParts, MigrationStorePorts } from './parts.js';
export {
  measurePlan,
  PLAN_ROWS,
  planMigration,
  type MigrationPlan,
  type PlanOptions,
  type SideOfPlan,
} from './plan.js';
export { retireMigration } from './retire.js';
export {
  searchCollection,
  type SearchCallOptions,
  type SearchParts,
  type SearchQuery,
  type SearchResult,
} from './search-collection.js';
export { pauseMigration, resumeMigration, ROWS_PER_JOB, startMigration, type StartOptions } from './start.js';
export { migrationStatus, type MigrationStatus } from './status.js';
export {
  cutOver,
  MAX_BLOCKED_SECONDS,
  MAX_PENDING,
  rollBack,
  SWITCH_TIMEOUT_SECONDS,
  type SwitchOptions,
  type SwitchReport,
} from './switch.js';
export type { Check } from './verification/check.js';
export type { EquivalentThreshold, JudgedQuality, QueriesCut } from './verification/judge.js';
export type { JudgedQuery } from './verification/judged-query.js';
export { SETTLE_SECONDS } from './verification/settle.js';
export {
  VERIFIED_ROWS,
  verifyMigration,
  type Verdict,
  type Verification,
  type VerifyOptions,
} from './verification/verify-migration.js';
export { CHANGES_PER_BATCH, CLAIM_SECONDS } from './worker/collection-worker.js';
export type { PaceOptions } from './worker/pace.js';
export { Patience, type PatienceOptions } from './worker/patience.js';
export { secondsLeft, type WorkProgress } from './worker/progress.js';
export {
  LEASE_SECONDS,
  PATIENCE_SECONDS,
  POLL_MILLISECONDS,
  work,
  type WorkOptions,
  type WorkResult,
} from './worker/work.js';
export { keep, KEEP_POLL_MILLISECONDS, type KeeperEvent, type KeepOptions, type KeepParts } from './keeper/keep.js';
export { lagOf, type SpaceLag } from './keeper/lag.js';
export type { OpenedModel, OpenModel } from './keeper/models.js';
