import { KimeraError, type ErrorField } from '../../errors/kimera-error.js';
import type { EmbeddingSpace } from '../../space.js';
import type { SourceRow } from './collection.js';
import type { PoisonRow } from './job-queue.js';
import type { NewVector } from './vectors.js';

export type MigrationState =
  'planned' | 'backfilling' | 'paused' | 'verifying' | 'ready' | 'cut-over' | 'rolled-back' | 'retired';

export type Figures = Readonly<Record<string, ErrorField>>;

/** Moves a collection from its active space to another. */
export interface Migration {
  readonly id: string;
  readonly collection: string;
  readonly source: EmbeddingSpace;
  readonly target: EmbeddingSpace;
  readonly state: MigrationState;
  /** ISO 8601. */
  readonly created: string;
}

/** A line of the event log. */
export interface MigrationEvent {
  /** ISO 8601. */
  readonly at: string;
  /** Who did it: `user@host pid`. */
  readonly by: string;
  readonly event: string;
  readonly state: MigrationState;
  readonly figures: Figures;
}

export interface Transition {
  /** States in which it is allowed. */
  readonly expected: readonly MigrationState[];
  readonly to: MigrationState;
  readonly event: string;
  readonly figures: Figures;
}

export interface PoisonRecord extends PoisonRow {
  readonly space: string;
  /** The operator accepts that this row has no vector. */
  readonly excused: 'yes' | 'no';
}

export interface SpaceSwitch extends Transition {
  readonly from: string;
  readonly toSpace: string;
  /** Changes that may be embedded while writers wait. */
  readonly maxPending: number;
}

export interface SwitchResult {
  /** Rows embedded while writers waited. */
  readonly caughtUp: number;
  /** How long writers of the collection waited. */
  readonly blockedMilliseconds: number;
}

/**
 * Migrations and their event log. Every transition is one transaction and one line of the log. @throws
 * UnknownMigrationError everywhere.
 */
export interface MigrationStore {
  /** In state `planned`. @throws MigrationUnderWayError, UnknownCollectionError. */
  createMigration(collection: string, target: EmbeddingSpace, by: string, figures: Figures): Promise<Migration>;
  /** The newest of the collection. @throws NoMigrationError. */
  latestMigration(collection: string): Promise<Migration>;
  /** @throws MigrationStateError where the state is not one that was expected. */
  transition(migration: string, by: string, transition: Transition): Promise<Migration>;
  /** A line without a change of state. */
  note(migration: string, by: string, event: string, figures: Figures): Promise<void>;
  /** The oldest first. */
  events(migration: string): Promise<readonly MigrationEvent[]>;
  /**
   * One transaction in which writers of the collection wait: changes still pending in `toSpace` are embedded by `embed`
   * and written, then the
   * pointer moves and the state with it. Rolled back whole where anything fails. `embed` must not call the store: its
   * writes would wait for this one.
   * @throws MigrationStateError, CatchUpError where more than `maxPending` changes wait or `embed` leaves some out,
   * SpaceMismatchError where
   * `from` is not the active space, UnknownSpaceError.
   */
  switchSpace(
    migration: string,
    by: string,
    change: SpaceSwitch,
    embed: (rows: readonly SourceRow[]) => Promise<readonly NewVector[]>,
  ): Promise<SwitchResult>;
  /**
   * Rows of `space` that cannot be embedded as they are: noted, and their queued change taken away; a later change
   * queues them again.
   */
  recordPoison(migration: string, space: string, rows: readonly PoisonRow[]): Promise<void>;
  /** Rows that could not be embedded and whose text is still the same. */
  poison(migration: string): Promise<readonly PoisonRecord[]>;
  /** The operator accepts that these rows have no vector. Returns how many were excused. */
  excuse(migration: string, by: string, ids: readonly string[]): Promise<number>;
}

/** The collection has a migration that is not retired. */
export class MigrationUnderWayError extends KimeraError {
  readonly code = 'MIGRATION_UNDER_WAY';
  readonly kind = 'retryable';
  constructor(
    readonly collection: string,
    readonly migration: string,
    readonly state: MigrationState,
  ) {
    super(`collection ${JSON.stringify(collection)} has migration ${migration} in state ${state}: retire it first`, {
      collection,
      migration,
      state,
    });
  }
}

/** The collection has no migration. */
export class NoMigrationError extends KimeraError {
  readonly code = 'NO_MIGRATION';
  readonly kind = 'caller';
  constructor(readonly collection: string) {
    super(`collection ${JSON.stringify(collection)} has no migration: plan one first`, { collection });
  }
}

/** No migration of that id. */
export class UnknownMigrationError extends KimeraError {
  readonly code = 'UNKNOWN_MIGRATION';
  readonly kind = 'caller';
  constructor(readonly migration: string) {
    super(`there is no migration ${JSON.stringify(migration)}`, { migration });
  }
}

/** An action that the state does not allow. */
export class MigrationStateError extends KimeraError {
  readonly code = 'MIGRATION_STATE';
  readonly kind = 'refused';
  constructor(
    readonly migration: string,
    readonly event: string,
    readonly state: MigrationState,
    readonly expected: readonly MigrationState[],
  ) {
    super(`${event} needs state ${expected.join(' or ')}, migration ${migration} is ${state}`, {
      migration,
      event,
      state,
      expected,
    });
  }
}

/** Too many changes wait to be embedded for a switch of spaces under a lock. */
export class CatchUpError extends KimeraError {
  readonly code = 'CATCH_UP';
  readonly kind = 'retryable';
  constructor(
    readonly pending: number,
    readonly limit: number,
  ) {
    super(
      `${pending} changes wait to be embedded, at most ${limit} may while writers are held: let a worker catch up first`,
      { pending, limit },
    );
  }
}
