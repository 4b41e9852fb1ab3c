import type { EmbeddingSpace } from '../../space.js';
import type { Embedding } from '../text-embedder.js';
import type { Row } from './collection.js';

export interface EmbeddedRow extends Row {
  /** Of the row's text, in the collection's active space. */
  readonly embedding: Pick<Embedding, 'dense' | 'space' | 'variant' | 'tokenizerRevision' | 'truncated'>;
}

/** What an application writes. Every change is also queued for the other spaces that the collection has vectors in. */
export interface CollectionWriter {
  /** An empty collection whose active space is `space`. @throws CollectionExistsError, InvalidCollectionNameError. */
  createCollection(name: string, space: EmbeddingSpace): Promise<void>;
  /**
   * Inserts or replaces rows with their vectors, all or none.
   * @throws SpaceMismatchError where an embedding is not of the active space (it may have changed since: embed again),
   * DimensionMismatchError, ZeroVectorError, InvalidRowError, UnknownCollectionError.
   */
  upsertRows(name: string, rows: readonly EmbeddedRow[]): Promise<void>;
  /** Rows and all their vectors. Returns how many rows there were. */
  deleteRows(name: string, ids: readonly string[]): Promise<number>;
}
