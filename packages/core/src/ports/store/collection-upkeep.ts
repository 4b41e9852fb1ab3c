/** Why the vectors of a collection may not be those of its rows. It is broken as long as there is one. */
export interface CollectionFault {
  /**
   * - `table-gone`: the source table is not there.
   * - `unreadable`: the table is not as it was: a column was renamed, dropped, or has another type; policies hide rows from
   *   this role; other tables inherit from it.
   * - `unwatched`: triggers are missing or switched off, or were for a while: changes were not seen.
   * - `capture`: changes could not be queued; the application's statements went through.
   * - `truncated`: all rows were removed at once; `reconcile` mends it by itself.
   * - `reconciling`: a `reconcile` is under way, or was interrupted: call it again.
   */
  readonly kind: 'table-gone' | 'unreadable' | 'unwatched' | 'capture' | 'truncated' | 'reconciling';
  /** ISO 8601: when it was first noted; null: seen now. */
  readonly at: string | null;
  readonly detail: string;
}

/** What `reconcile` did, over all spaces of the collection. */
export interface Reconciliation {
  /** Rows that were queued: without a vector of their present text. */
  readonly queued: number;
  /** Vectors without a row that were removed. */
  readonly removed: number;
}

/** Keeps a collection and its source table together. @throws UnknownCollectionError everywhere. */
export interface CollectionUpkeep {
  /** Empty: the collection is whole. */
  faults(name: string): Promise<readonly CollectionFault[]>;
  /**
   * Watches the table again where it is not watched, queues every row that has no vector of its present text and is not
   * queued yet, in every space, and removes vectors without a row: in batches; other work goes on meanwhile. The open
   * faults are closed; those that come meanwhile stay. The signal ends it between two batches: its reason is thrown, and
   * the fault `reconciling` stays.
   * @throws CollectionTableGoneError, CollectionUnreadableError.
   */
  reconcile(name: string, signal?: AbortSignal): Promise<Reconciliation>;
}
