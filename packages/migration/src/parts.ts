import type {
  ChangeFeed,
  CollectionReader,
  JobQueue,
  MigrationStore,
  StoreCapacity,
  TextEmbedder,
  VectorReader,
  VectorWriter,
} from '@kimera/core';

/** What a migration needs of a store. */
export type MigrationStorePorts = CollectionReader &
  VectorReader &
  VectorWriter &
  ChangeFeed &
  JobQueue &
  MigrationStore &
  StoreCapacity;

export interface MigrationParts {
  readonly store: MigrationStorePorts;
  readonly collection: string;
  /** The model of the space that the collection is moved from. */
  readonly source: TextEmbedder;
  readonly target: TextEmbedder;
  /** Who acts, for the event log: `user@host pid`. */
  readonly by: string;
}
