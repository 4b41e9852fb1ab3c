export { embedRows, type EmbeddingOfRow, type EmbeddingsOfRows } from './embed-rows.js';
export {
  AcceptanceError,
  BackfillIncompleteError,
  EmbedderBrokenError,
  NotEnoughRoomError,
  NotFiniteVectorError,
  PoisonRowsError,
  RowsMissingError,
  SameSpaceError,
} from './errors.js';
export type { MigrationParts, MigrationStorePorts } from './parts.js';
export { measurePlan, planMigration, type MigrationPlan, type PlanOptions, type SideOfPlan } from './plan.js';
export { retireMigration } from './retire.js';
export { pauseMigration, resumeMigration, ROWS_PER_JOB, startMigration } from './start.js';
export { migrationStatus, type MigrationStatus } from './status.js';
export { cutOver, rollBack, type SwitchOptions } from './switch.js';
export type { Check } from './verification/check.js';
export type { JudgedQuery } from './verification/judged-query.js';
export {
  verifyMigration,
  type Verdict,
  type Verification,
  type VerifyOptions,
} from './verification/verify-migration.js';
export { work, type WorkOptions, type WorkProgress, type WorkResult } from './work.js';
