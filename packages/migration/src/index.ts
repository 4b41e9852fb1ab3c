export {
  adoptTable,
  ROWS_PER_COPY,
  type AdoptionParts,
  type AdoptOptions,
  type AdoptResult,
} from './adopt/adopt-table.js';
export { PROOF_ROWS, type CandidateModel, type VectorProof } from './adopt/prove-vectors.js';
export { vectorColumnRules, type VectorColumnRules } from './adopt/vector-column-rules.js';
export { embedRows, type EmbeddingOfRow, type EmbeddingsOfRows } from './embed-rows.js';
export {
  AcceptanceError,
  BackfillIncompleteError,
  EmbedderBrokenError,
  NotEnoughRoomError,
  NotFiniteVectorError,
  OtherModelVectorsError,
  OutdatedVectorsError,
  PoisonRowsError,
  RowsMissingError,
  SameSpaceError,
  UnknownModelVectorsError,
  UnreadableVectorsError,
} from './errors.js';
export type { InPlaceOptions, PrepareSwapOptions } from './in-place.js';
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
export { cutOver, MAX_PENDING, rollBack, type SwitchOptions } from './switch.js';
export type { Check } from './verification/check.js';
export type { JudgedQuery } from './verification/judged-query.js';
export {
  VERIFIED_ROWS,
  verifyMigration,
  type Verdict,
  type Verification,
  type VerifyOptions,
} from './verification/verify-migration.js';
export {
  CHANGES_PER_BATCH,
  LEASE_SECONDS,
  POLL_MILLISECONDS,
  work,
  type WorkOptions,
  type WorkProgress,
  type WorkResult,
} from './work.js';
