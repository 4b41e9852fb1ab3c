import type { EmbeddingSpace, VariantName } from '../../space.js';
import type { Vector } from '../../vector.js';
import type { SourceRow } from './collection.js';
import type { PoisonRow } from './poison-row.js';

/** A vector of one row in one space. */
export interface NewVector {
  readonly id: string;
  /** Of the text that was embedded. */
  readonly contentHash: string;
  /** [D]. */
  readonly dense: Vector;
  readonly variant: VariantName;
  /** As the embedding has it. A whole number from 1 to 32,767. */
  readonly tokenizerRevision: number;
  /** The text is longer than the model's limit: the vector is of its beginning. */
  readonly truncated: boolean;
}
export interface StoredVector extends NewVector {
  /** The fingerprint that is stamped on the row. */
  readonly space: string;
}

/** A vector with the space that it is of. */
export interface QueryVector {
  /** Fingerprint. */
  readonly space: string;
  /** [D]. */
  readonly dense: Vector;
}

export interface Hit {
  readonly id: string;
  /** Cosine. */
  readonly score: number;
  /** The vector is of an earlier text of the row: the present one is not embedded yet. */
  readonly stale: boolean;
}

/** How well a space covers a collection. All zero but `rows`, `current` and `truncated` means complete. */
export interface Coverage {
  readonly rows: number;
  /** Rows whose vector is of their present text and well-formed. */
  readonly current: number;
  /** Rows without any vector. */
  readonly missing: number;
  /** Rows whose vector is of a text that they no longer have: searches find them by it, marked, until the new one is there. */
  readonly stale: number;
  /** Vectors without a row whose removal is not queued. No search shows them. */
  readonly orphans: number;
  /** Vectors stamped with another fingerprint, or not finite, or without direction. */
  readonly malformed: number;
  /** Vectors of the beginning of a text that is longer than the model's limit. Part of `current`. */
  readonly truncated: number;
  /** Changes of the application that wait to be embedded in this space. */
  readonly pending: number;
}

/** What a write did. */
export interface WriteResult {
  readonly written: number;
  /** Left alone since the row has another text by now, or is gone. */
  readonly outdated: number;
}

export interface VectorReader {
  /**
   * Nearest rows in any space that the collection has vectors in, whether active or not: for verification. Best first,
   * ties in the order of the key; exact. @throws UnknownSpaceError.
   */
  searchSpace(name: string, query: QueryVector, limit: number): Promise<readonly Hit[]>;
  /** Vectors of rows, in the order of the key; all where `ids` is absent. @throws UnknownSpaceError. */
  readVectors(name: string, space: string, ids?: readonly string[]): Promise<readonly StoredVector[]>;
  coverage(name: string, space: string): Promise<Coverage>;
  /** Spaces that the collection has vectors in. */
  spaces(name: string): Promise<readonly EmbeddingSpace[]>;
}

export interface VectorWriter {
  /** From now on the collection has vectors in this space: changes are queued for it. Idempotent. */
  openSpace(name: string, space: EmbeddingSpace): Promise<void>;
  /**
   * Drops the vectors and the queued changes of a space. @throws ActiveSpaceError where searches use it. Idempotent.
   */
  closeSpace(name: string, space: string): Promise<void>;
  /**
   * One transaction (several small ones where the vectors go into a column of the application's as well): each vector is
   * written where its hash is still the row's, stamped, and its queued change done.
   * @throws DimensionMismatchError, ZeroVectorError, InvalidRowError where an id comes twice, UnknownSpaceError.
   */
  writeVectors(name: string, space: string, vectors: readonly NewVector[]): Promise<WriteResult>;
}

/** Changes that wait to be embedded in one space. */
export interface Backlog {
  readonly pending: number;
  /** How long the oldest has waited; 0 where none waits. */
  readonly oldestSeconds: number;
}

/** Which of the changes that wait in a space: those of rows whose searches use it, or all. */
export type ChangesOf = 'active rows' | 'all rows';

export interface ChangeClaim {
  /** At most so many rows. */
  readonly limit: number;
  /** After this long others may take the rows. */
  readonly leaseSeconds: number;
  readonly of: ChangesOf;
}

/**
 * Rows that the application inserted or changed and that have no vector of their present text in a space. @throws
 * UnknownCollectionError, UnknownSpaceError.
 */
export interface ChangeFeed {
  countPending(name: string, space: string): Promise<number>;
  backlog(name: string, space: string): Promise<Backlog>;
  /** The oldest first, at most `limit`, claimed or not. Vectors of rows that are gone are removed on the way. */
  readPending(name: string, space: string, limit: number): Promise<readonly SourceRow[]>;
  /** The oldest first; nobody else gets the same rows until they are released or the lease ends. */
  claimPending(name: string, space: string, claim: ChangeClaim): Promise<readonly SourceRow[]>;
  /** Ends the claims on these rows, whether they have got their vectors or not. */
  releasePending(name: string, space: string, ids: readonly string[]): Promise<void>;
  /**
   * Rows that cannot be embedded as they are, outside of a migration: noted, and they wait no longer; a later change
   * queues them again.
   */
  setAside(name: string, space: string, rows: readonly PoisonRow[]): Promise<void>;
  /** Rows that were set aside and whose text is still the same. */
  rowsSetAside(name: string, space: string): Promise<readonly PoisonRow[]>;
}

/** Room for more vectors. */
export interface StoreCapacity {
  /** Numbers that a stored vector may have. */
  readonly maxDimension: number;
  /** Bytes that the vectors of one more space take, overhead included. */
  estimateBytes(rows: number, dimension: number): number;
  /** Bytes free where the vectors lie, or undefined where that cannot be seen (a database server). */
  freeBytes(): Promise<number | undefined>;
}
