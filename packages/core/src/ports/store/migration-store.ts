import type { ErrorField } from '../../errors.js';
import type { EmbeddingSpace } from '../../space.js';
import type { SourceRow } from './collection.js';
import type { PoisonRow } from './poison-row.js';
import type { MigrationState } from './migration-state.js';
import type { NewVector } from './vectors.js';

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
  /** Only the rows of these tenants; absent: of all. */
  readonly tenants?: readonly string[];
  /** The state instead of `to` where no searches use `from` any more, as this transaction sees it. */
  readonly whenNobodyIsLeft?: MigrationState;
  /** Changes that may be embedded while writers wait. */
  readonly maxPending: number;
  /** Ends the waiting for locks between two attempts; its reason is thrown, and nothing has changed. */
  readonly signal?: AbortSignal;
}

export interface SwitchResult {
  /** Rows embedded while writers waited. */
  readonly caughtUp: number;
  /** How long writers of the collection waited. */
  readonly blockedMilliseconds: number;
}

/** A judged query, measured in both spaces once in a migration. Its text is not kept. */
export interface CountedQuery {
  /** SHA-256 of the text, lower-case hex: says whether a query was counted before. */
  readonly hash: string;
  /** SHA-256 of its judgements, lower-case hex: says whether they were changed since. */
  readonly judgements: string;
  /** '' is none. */
  readonly slice: string;
  readonly source: MeasuredQuery;
  readonly target: MeasuredQuery;
}

/** What a judged query got in one space. */
export interface MeasuredQuery {
  /** nDCG@10. */
  readonly score: number;
  /** Cosine of the best hit; 0 where there was none. */
  readonly best: number;
  /** Longer than the model's limit: it was searched for by its beginning. */
  readonly truncated: boolean;
}

export interface LookedAtQuery extends CountedQuery {
  /** From 1. */
  readonly look: number;
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
  /** Judged queries in the order in which they were counted: look by look, and as they were given. */
  judgedQueries(migration: string): Promise<readonly LookedAtQuery[]>;
  /**
   * Counts the queries of one look, in one transaction. Those whose text was counted before stay as they were. Returns
   * the number of the last look: a new one where a query was new.
   */
  countQueries(migration: string, queries: readonly CountedQuery[]): Promise<number>;
  /**
   * One transaction in which writers of the collection wait: changes still pending in `toSpace` are embedded by `embed`
   * and written, then the pointer moves and the state with it. Rolled back whole where anything fails. `embed` must not
   * call the store: its writes would wait for this one.
   * @throws CollectionBrokenError where changes were not captured, NoTenantsError, TenantsInPlaceError where a column of
   * the application's is exchanged, MigrationStateError, CatchUpError where more than `maxPending` changes wait or `embed` leaves some out,
   * SpaceMismatchError where `from` is not the active space, UnknownSpaceError.
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
