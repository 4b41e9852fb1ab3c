import type { EmbeddingSpace } from '../../space.js';
import type { Hit, QueryVector } from './vectors.js';

export interface SearchOptions {
  /** Hits at most. */
  readonly limit: number;
  /** Rows of this tenant alone, in the tenant's active space. Default: all rows. */
  readonly tenant?: string | undefined;
  /** `fresh` leaves out rows whose vector is of an earlier text; default `all`: they are found, marked stale. */
  readonly rows?: 'all' | 'fresh';
  /** Default `index`: by an index of the database where there is one. `exact`: every vector is looked at. */
  readonly scan?: SearchScan;
  /** Default `without`. */
  readonly text?: 'with' | 'without';
  /** More columns of the row. */
  readonly columns?: readonly string[];
}

export type SearchScan = 'index' | 'exact';

export interface FoundRow extends Hit {
  /** The row's present text, where it was asked for. */
  readonly text?: string;
  /** In the database's text form, so that no digit of a number is lost. Those that were asked for. */
  readonly columns?: Readonly<Record<string, string | null>>;
}

export interface SearchAnswer {
  /** The best first, ties in the order of the id. */
  readonly hits: readonly FoundRow[];
  /** How they were found. By an index they are near the best, not surely the best. */
  readonly scan: SearchScan;
}

/** The spaces that a collection has vectors in. */
export interface CollectionSpaces {
  readonly active: EmbeddingSpace;
  /** While a migration runs, and until it is retired: the one that it goes to, or came from. */
  readonly others: readonly EmbeddingSpace[];
}

/** What an application asks of a store; reading is enough for it. @throws UnknownCollectionError. */
export interface CollectionSearch {
  /** All collections, by name. */
  names(): Promise<readonly string[]>;
  /** As they are now: a cutover is seen by the next call. @throws NoTenantsError. */
  spaces(name: string, tenant?: string): Promise<CollectionSpaces>;
  /**
   * Nearest rows in the active space. Pointer and vectors are of one state of the database; rows that are gone, or have
   * no text, are never found.
   * @throws SpaceMismatchError where the query is not of the active space, which `expected` names: embed it there and
   * ask again; NoTenantsError, RowColumnError, DimensionMismatchError, ZeroVectorError.
   */
  search(name: string, query: QueryVector, options: SearchOptions): Promise<SearchAnswer>;
}
