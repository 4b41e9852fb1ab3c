import type { EmbeddingSpace } from '../../space.js';

/** An object of the database that hangs on the application's vector column, or on changes of its rows. */
export interface Dependent {
  /** As PostgreSQL names it: `index`, `view`, `trigger` … */
  readonly kind: string;
  /** With its schema where it has one; a function with its arguments. */
  readonly name: string;
  /** What becomes of it, or what to do about it. */
  readonly detail: string;
}

/** What a swap of the application's vector column will do. */
export interface InPlacePlan {
  /** `public.documents`. */
  readonly table: string;
  readonly column: string;
  /** `vector(384)`. */
  readonly type: string;
  readonly newType: string;
  /** Made on the new column as they are on the old one. */
  readonly moved: readonly Dependent[];
  /** In the way: nothing is done while there is one. */
  readonly refused: readonly Dependent[];
  /** Nothing is done until the operator accepts what the detail says, by `kind:name`. */
  readonly toAccept: readonly Dependent[];
  /** What goes on as it is, and what the application's SQL should know. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  /** Stops between two batches, or ends the index build under way, which is begun again the next time. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

export interface PrepareProgress {
  readonly step: 'rows' | 'index';
  /** The index that is built, or the column that is compared. */
  readonly name: string;
  /** As PostgreSQL calls the phase of an index build. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export interface PrepareResult {
  /** Rows whose column had to be written. */
  readonly filled: number;
  readonly indexesBuilt: readonly string[];
  readonly indexSeconds: number;
}

/** The two columns of a migration in place. */
export interface InPlaceColumns {
  /** `public.documents`. */
  readonly table: string;
  /** The application's, with the vectors of the active space. */
  readonly column: string;
  /** The one beside it, with those of the other space. */
  readonly spare: string;
}

/**
 * The vector column of a table that the application searches with its own SQL: a second column is kept current beside
 * it, and a switch of spaces (`MigrationStore.switchSpace`) exchanges their names in its transaction. @throws
 * UnknownCollectionError, UnknownMigrationError, InPlaceColumnError where the collection has no column that the keeper
 * writes.
 */
export interface InPlaceStore {
  /** Nothing is changed. */
  planInPlace(collection: string, target: EmbeddingSpace): Promise<InPlacePlan>;
  /**
   * Adds the column of the migration's target space, which is open already; from now on every vector of source and
   * target is written into its column too. Called again, it adds to what is accepted: `kind:name` of
   * {@link InPlacePlan.toAccept}. @throws InPlaceRefusedError, InPlaceNotAcceptedError, InPlaceMoveError, BusyError;
   * nothing has changed then.
   */
  openInPlace(migration: string, accepted: readonly string[]): Promise<InPlacePlan>;
  /** undefined where the migration is not in place, or is retired. */
  inPlaceColumns(migration: string): Promise<InPlaceColumns | undefined>;
  /**
   * Before a switch to `space`: writes the rows of its column that lack their vector, and builds every index of the
   * application's column on it, without holding anybody up; idempotent.
   * @throws InPlaceRefusedError, InPlaceNotAcceptedError where objects came meanwhile, InPlaceIndexError, AbortError.
   */
  prepareSwap(migration: string, space: string, options?: PrepareOptions): Promise<PrepareResult>;
}
